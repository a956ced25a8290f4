// SPDX-License-Identifier: Apache-2.0
// The ledger of a data folder into PostgreSQL.
#include "exporter/internal/sql_ledger_schema.h"
#include "exporter/sql_ledger.h"
#include "postgres/copy.h"

namespace valetkey::exporter {
namespace {

using postgres::CopiedTable;

const std::vector<CopiedTable>& tables() {
  static const std::vector<CopiedTable> all = {
      {"export_batch",
       {{"log_partition"}, {"id"}, {"first"}, {"next"}, {"open_day"}, {"into_run"}},
       "log_partition"},
      {"export_run",
       {{"log_partition"},
        {"next"},
        {"id"},
        {"first"},
        {"open_day"},
        {"events"},
        {"bytes"},
        {"oldest"},
        {"made"}},
       "log_partition, next"},
      {"export_run_account",
       {{"log_partition"}, {"account"}, {"events"}},
       "log_partition, account"},
      {"export_cut", {{"log_partition"}, {"id"}, {"through"}}, "log_partition"},
      {"export_position", {{"log_partition"}, {"consumed"}, {"finished"}}, "log_partition"},
      {"export_seen", {{"key"}, {"day"}, {"uuids"}, {"log_partition"}}, "key"},
      {"export_lease", {{"work"}, {"epoch"}}, "work"},
      {"export_day", {{"only"}, {"closed_through"}}, "\"only\""},
      {"export_seal", {{"only"}, {"sealed_through"}}, "\"only\""},
      {"export_merge", {{"output"}, {"input"}}, "output, input"},
      {"export_request", {{"only"}, {"asked"}}, "\"only\""},
      {"export_excess", {{"account"}, {"hour"}, {"bytes"}}, "account, hour"},
      {"export_failure", {{"only"}, {"began"}, {"why"}}, "\"only\""},
      {"export_erasure", {{"id"}, {"account"}, {"visitor_sha256"}, {"asked"}, {"rows"}}, "id"},
      {"export_erased", {{"erasure"}, {"key"}, {"rows"}}, "erasure, key"},
      {"export_taken", {{"account"}, {"rows"}}, "account"},
      {"export_repeat", {{"key"}, {"account"}, {"rows"}, {"events"}}, "key"},
      {"export_count",
       {{"account"},
        {"events"},
        {"rows"},
        {"duplicates"},
        {"set_aside"},
        {"late"},
        {"parts"},
        {"bytes"}},
       "account"},
      {"export_dropped", {{"account"}, {"reason"}, {"events"}}, "account, reason"},
      {"export_altered", {{"account"}, {"reason"}, {"fields"}}, "account, reason"},
      {"export_format", {{"only"}, {"timestamps"}, {"rewriting"}}, "\"only\""},
      {"export_unknown", {{"only"}, {"events"}, {"last"}}, "\"only\""},
  };
  return all;
}

}  // namespace

Result<std::uint64_t> copy_ledger_to_postgres(const std::filesystem::path& file,
                                              postgres::Database& to) {
  VALETKEY_TRY(const auto from, sqlite::Database::open(file, sqlite::Database::Mode::read_write));
  VALETKEY_CHECK(prepare_ledger(*from));
  VALETKEY_TRY(const auto reading, sql::Transaction::begin(*from));
  VALETKEY_TRY(const auto begun, to.read_integer("SELECT count(*) FROM export_position"));
  if (begun > 0)
    return fail(ErrorCode::already_exists,
                std::string(to.name()) + " holds an export ledger already");
  std::uint64_t all = 0;
  for (const CopiedTable& table : tables()) {
    VALETKEY_TRY(const auto rows, postgres::copy_table(*from, to, table));
    all += rows;
  }
  // Where no day was closed, the row that closing waits for is there all the same.
  VALETKEY_CHECK(
      to.execute("INSERT INTO export_day VALUES (1, NULL) ON CONFLICT DO NOTHING;"
                 "SELECT setval(pg_get_serial_sequence('export_erasure', 'id'),"
                 " (SELECT greatest(max(id), 1) FROM export_erasure))"));
  return all;
}

}  // namespace valetkey::exporter
