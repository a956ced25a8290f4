// SPDX-License-Identifier: Apache-2.0
#include "admin/command_context.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>

#include "admin/engines.h"
#include "admin/internal/data_folder.h"
#include "admin/internal/keyring_binding.h"

namespace valetkey::admin {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPackageConfig = "/etc/valetkey/valetkey.toml";
constexpr const char* kPackageData = "/var/lib/valetkey/data";

}  // namespace

fs::path CommandContext::keyring() const {
  if (!keyring_file.empty()) return keyring_file;
  // "data/" and "data" are the same folder: the keyring lies beside it, never inside.
  fs::path folder = data_dir.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  return folder += ".keyring";
}

void CommandContext::print(const boost::json::value& document) const {
  out << boost::json::serialize(document) << '\n';
}

fs::path CommandContext::configuration() const {
  if (!config_file.empty()) return config_file;
  std::error_code ignored;
  if (const fs::path own = data_dir / "valetkey.toml"; fs::exists(own, ignored)) return own;
  const fs::path package = kPackageConfig;
  const bool of_package = fs::equivalent(data_dir, kPackageData, ignored);
  return of_package && fs::exists(package, ignored) ? package : fs::path();
}

Result<config::Config> CommandContext::load_config() const {
  const fs::path file = configuration();
  VALETKEY_TRY(config::Config config, config::load_config(file, env));
  const auto stored = bucket_of(data_dir);
  if (!stored || config.s3.bucket == *stored) return config;
  if (config.s3.bucket != config::Config().s3.bucket)
    return fail(
        ErrorCode::invalid,
        fmt::format("{} was made with bucket {}, but {} names bucket {}: set [s3] bucket = "
                    "\"{}\" there, or name another data folder",
                    data_dir.string(), *stored, file.empty() ? "the environment" : file.string(),
                    config.s3.bucket, *stored));
  config.s3.bucket = *stored;
  return config;
}

Result<void> CommandContext::need_data() const {
  std::error_code error;
  if (fs::exists(data_dir / kRestoreMarker, error))
    return fail(ErrorCode::unavailable,
                fmt::format("the restore into {} did not finish; run `valetkeyd restore` again",
                            data_dir.string()));
  // The last that `init` makes on SQLite, and what every folder has whose accounts are in PostgreSQL.
  if (fs::exists(data_dir / "control.db", error) || fs::exists(data_dir / kNodeId, error))
    return {};
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(ErrorCode::denied,
                fmt::format("cannot look into {}: {}", data_dir.string(), error.message()));
  return fail(ErrorCode::not_found,
              fmt::format("{} is not a data folder; make one with `valetkeyd init --data-dir {}`",
                          data_dir.string(), data_dir.string()));
}

Result<std::unique_ptr<control::ControlStore>> CommandContext::open_control() const {
  VALETKEY_TRY(const Engines named, engines());
  return named.databases().open_control();
}

Result<std::unique_ptr<exporter::Ledger>> CommandContext::open_ledger() const {
  VALETKEY_TRY(const Engines named, engines());
  return named.databases().open_ledger();
}

Result<Engines> CommandContext::engines() const {
  VALETKEY_CHECK(need_data());
  VALETKEY_TRY(config::Config config, load_config());
  VALETKEY_CHECK(check_databases(config));
  return Engines(std::move(config), env, data_dir, clock);
}

Result<std::unique_ptr<control::AuditLog>> CommandContext::open_audit() const {
  return control::AuditLog::open(data_dir / "audit", clock);
}

Result<void> CommandContext::check_keyring_place() const {
  if (!is_inside(keyring(), data_dir)) return {};
  return fail(ErrorCode::denied,
              fmt::format("the keyring {} would lie inside the data folder, where a thief of the "
                          "data gets the keys too; name a place outside with --keyring",
                          keyring().string()));
}

Result<std::unique_ptr<KeySource>> CommandContext::open_keys() const {
  VALETKEY_CHECK(need_data());
  VALETKEY_CHECK(check_keyring_place());
  VALETKEY_TRY(std::unique_ptr<KeySource> keys, FileKeySource::open(keyring()));
  VALETKEY_CHECK(bind_keyring(*this, *keys->get()));
  return keys;
}

Result<std::unique_ptr<storage::ObjectStore>> CommandContext::open_objects(
    const KeySource& keys) const {
  VALETKEY_TRY(const Engines named, engines());
  return named.open_store(keys);
}

Result<std::unique_ptr<storage::DiskStore>> CommandContext::open_disk(
    const KeySource& keys, std::string_view instead) const {
  VALETKEY_TRY(const Engines named, engines());
  return named.open_disk(keys, instead);
}

Result<void> CommandContext::record(std::string_view action, std::optional<AccountId> account,
                                    std::string_view subject, std::string_view detail) const {
  VALETKEY_TRY(const auto audit, open_audit());
  return record_in(*audit, action, std::move(account), subject, detail);
}

Result<void> CommandContext::record_in(control::AuditLog& audit, std::string_view action,
                                       std::optional<AccountId> account, std::string_view subject,
                                       std::string_view detail) const {
  return audit.append_durably({.at = clock.now(),
                               .action = action,
                               .outcome = "ok",
                               .account = account ? &*account : nullptr,
                               .actor = fmt::format("cli:{}", getuid()),
                               .subject = subject,
                               .client = {},
                               .request_id = {},
                               .detail = detail});
}

}  // namespace valetkey::admin
