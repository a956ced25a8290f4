// SPDX-License-Identifier: Apache-2.0
#include "control/copy.h"

#include <fmt/format.h>

#include "control/sqlite_store.h"
#include "postgres/copy.h"
#include "sqlite/database.h"

namespace valetkey::control {
namespace {

using postgres::CopiedTable;

// What refers to a row comes behind it.
const std::vector<CopiedTable>& tables() {
  static const std::vector<CopiedTable> all = {
      {"accounts", {{"id"}, {"name"}, {"state"}, {"created_ms"}, {"usage_purged"}}, "id"},
      {"users",
       {{"id"}, {"email"}, {"account"}, {"role"}, {"state"}, {"created_ms"}, {"password"}},
       "id"},
      {"invitations", {{"user"}, {"sha256", true}, {"expires_ms"}}, "\"user\""},
      {"tokens",
       {{"id"},
        {"sha256", true},
        {"account"},
        {"user"},
        {"kind"},
        {"name"},
        {"scopes"},
        {"created_ms"},
        {"idle_ms"},
        {"expires_ms"},
        {"revoked_ms"},
        {"parent"},
        {"last_used_ms"},
        {"last_used_from"},
        {"narrowing"}},
       "id"},
      {"revocations", {{"subject"}, {"not_before_ms"}, {"revoked_ms"}, {"change"}}, "subject"},
      {"changes", {{"id"}, {"counter"}}, "id"},
      {"account_usage",
       {{"account"}, {"day"}, {"exchanges"}, {"requests"}, {"bytes"}, {"events"}, {"event_bytes"}},
       "account, day"},
      {"policies",
       {{"account"},
        {"retention_days"},
        {"ingest_key_sha256", true},
        {"origins"},
        {"events_per_s"},
        {"bytes_per_day"},
        {"changed_ms"},
        {"bucket"},
        {"prefix"}},
       "account"},
      {"cut_offs", {{"role"}, {"version"}, {"policy"}}, "role"},
  };
  return all;
}

}  // namespace

Result<CopiedRows> copy_to_postgres(const std::filesystem::path& file, postgres::Database& to) {
  VALETKEY_CHECK(open_sqlite_store(file));  // of the newest format
  VALETKEY_TRY(const auto from, sqlite::Database::open(file, sqlite::Database::Mode::read_write));
  VALETKEY_TRY(const auto reading, sql::Transaction::begin(*from));  // nobody writes meanwhile
  VALETKEY_CHECK(
      to.execute("SELECT counter FROM changes WHERE id = 1 FOR UPDATE;"
                 "SET CONSTRAINTS ALL DEFERRED"));
  VALETKEY_TRY(const auto accounts, to.read_integer("SELECT count(*) FROM accounts"));
  VALETKEY_TRY(const auto users, to.read_integer("SELECT count(*) FROM users"));
  if (accounts > 0 || users > 0)
    return fail(
        ErrorCode::already_exists,
        fmt::format("{} holds an installation already: copy into an empty database", to.name()));
  CopiedRows done;
  for (const CopiedTable& table : tables()) {
    VALETKEY_TRY(const auto rows, postgres::copy_table(*from, to, table));
    done.emplace_back(table.name, rows);
  }
  return done;
}

}  // namespace valetkey::control
