// SPDX-License-Identifier: Apache-2.0
#include "admin/databases.h"

#include <fmt/format.h>

#include "admin/internal/data_folder.h"
#include "base/file.h"
#include "base/ids.h"
#include "control/postgres_store.h"
#include "control/sqlite_store.h"
#include "exporter/postgres_owners.h"
#include "exporter/sql_ledger.h"
#include "postgres/binding.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& file) {
  std::error_code unknown;
  return fs::exists(file, unknown);
}

}  // namespace

Databases::Databases(const config::Config& config, fs::path data_dir)
    : data_dir_(std::move(data_dir)) {
  // Nodes whose parts lie on disks of their own have no export in common.
  if (config.events.kind == "kafka" && config.objects.kind == "s3") topic_ = config.events.topic;
  if (config.control.kind == "postgresql")
    server_ = std::make_shared<postgres::Server>(postgres::Settings{
        .url = config.control.url, .password_file = config.control.password_file});
}

Result<std::unique_ptr<control::ControlStore>> Databases::open_control(bool make) const {
  const fs::path file = control_file();
  if (!shared() && (make || is_there(file))) return control::open_sqlite_store(file);
  if (!shared())
    return fail(ErrorCode::unavailable,
                fmt::format("{} has no control.db: where its accounts are in PostgreSQL, set "
                            "[control] kind = \"postgresql\" and url",
                            data_dir_.string()));
  if (is_there(file))
    return fail(ErrorCode::unavailable,
                fmt::format("{} still holds the accounts: `valetkeyd control copy` moves them to "
                            "the database of [control] url",
                            file.string()));
  return control::open_postgres_store(server_);
}

Result<std::unique_ptr<exporter::Ledger>> Databases::open_ledger() const {
  if (!shared()) return open_own_ledger();
  VALETKEY_CHECK(claim_log());
  return exporter::open_postgres_ledger(server_);
}

// A topic is only looked for: share_log() claims it, when nothing stands against that.
Result<void> Databases::claim_log() const {
  VALETKEY_TRY(const auto folder, node_id(data_dir_));
  const std::string mine = topic_.empty() ? folder : "topic " + topic_;
  VALETKEY_TRY(const auto bound, topic_.empty() ? postgres::bind_once(*server_, "event log", mine)
                                                : postgres::bound_to(*server_, "event log", mine));
  if (bound == mine || (!topic_.empty() && bound == folder)) return {};
  return fail(ErrorCode::busy,
              fmt::format("the export of this database is made from another event log ({}), and "
                          "this one is {}: set [intake] enabled = false here",
                          bound, mine));
}

Result<void> Databases::share_log() const {
  if (!shared() || topic_.empty()) return {};
  VALETKEY_TRY(const auto folder, node_id(data_dir_));
  const std::string mine = "topic " + topic_;
  VALETKEY_TRY(const auto bound, postgres::bind_once(*server_, "event log", mine));
  if (bound == folder) VALETKEY_CHECK(postgres::bind_again(*server_, "event log", folder, mine));
  return claim_log();
}

Result<std::unique_ptr<exporter::Owners>> Databases::open_owners() const {
  if (!shared() || topic_.empty()) return nullptr;
  return exporter::open_postgres_owners(server_);
}

Result<std::vector<std::string>> Databases::check_file() const {
  if (shared()) return std::vector<std::string>();
  return control::check_sqlite_store(control_file());
}

Result<void> Databases::back_up_file(const fs::path& to) const {
  return control::backup_sqlite_store(control_file(), to);
}

Result<std::unique_ptr<exporter::Ledger>> Databases::open_own_ledger() const {
  return exporter::open_sqlite_ledger(ledger_file());
}

Result<void> Databases::make_tables() const {
  VALETKEY_CHECK(control::open_postgres_store(server_));
  VALETKEY_CHECK(exporter::open_postgres_ledger(server_));
  return {};
}

Result<CopiedDatabases> Databases::copy_files() const {
  VALETKEY_TRY(const auto to, server_->connect());
  return sql::write(*to, [&]() -> Result<CopiedDatabases> {
    CopiedDatabases done;
    VALETKEY_TRY(done.control, control::copy_to_postgres(control_file(), *to));
    VALETKEY_TRY(done.ledger_rows, exporter::copy_ledger_to_postgres(ledger_file(), *to));
    return done;
  });
}

Result<void> check_databases(const config::Config& config) {
  if (config.control.kind == "postgresql")
    return postgres::check_settings({.url = config.control.url});
  if (config.control.url.empty() && config.control.password_file.empty()) return {};
  return fail(ErrorCode::invalid,
              "[control] url and password_file are of PostgreSQL: set kind = \"postgresql\", too, "
              "or leave them out");
}

Result<void> share_keyring(const Databases& databases, const fs::path& file,
                           const Keyring& keyring) {
  if (!databases.shared() || keyring.keys().empty()) return {};
  const std::string first = fingerprint_of(keyring.keys().front());
  VALETKEY_TRY(const auto bound, postgres::bind_once(databases.server(), "keyring", first));
  for (const Key& key : keyring.keys())
    if (fingerprint_of(key) == bound) return {};
  return fail(ErrorCode::denied,
              fmt::format("the keyring {} is not the one of the nodes that share this database: "
                          "copy theirs to this machine and name it with --keyring",
                          file.string()));
}

Result<std::string> node_id(const fs::path& data_dir) {
  const fs::path file = data_dir / kNodeId;
  constexpr std::size_t kMostBytes = 100;
  auto text = read_file(file, kMostBytes);
  if (!text && text.error().code == ErrorCode::not_found) {
    const auto made = create_file(file, make_uuid() + "\n");
    if (!made && made.error().code != ErrorCode::already_exists)
      return std::unexpected(made.error());
    text = read_file(file, kMostBytes);
  }
  if (!text) return text;
  while (text->ends_with('\n')) text->pop_back();
  return text;
}

}  // namespace valetkey::admin
