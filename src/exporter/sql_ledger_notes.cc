// SPDX-License-Identifier: Apache-2.0
// What anybody notes and asks: counts, losses, requests, failures, the format of parts.
#include "exporter/internal/sql_ledger_rows.h"
#include "exporter/sql_ledger.h"

namespace valetkey::exporter {
namespace {

using sql::Database;
using sql::Statement;

Result<void> add_by_reason(Database& database, const char* insert, const LossCounts& counts) {
  VALETKEY_TRY(Statement query, database.prepare(insert));
  for (const auto& [account, reasons] : counts)
    for (const auto& [reason, count] : reasons)
      VALETKEY_CHECK(query.bind(account, reason, as_signed(count)).run_later());
  return {};
}

Result<LossCounts> read_by_reason(Database& database, const char* select) {
  VALETKEY_TRY(Statement query, database.prepare(select));
  LossCounts counts;
  VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
    counts[std::string(row.text(0))][std::string(row.text(1))] = as_unsigned(row.integer(2));
  }));
  return counts;
}

ExportCounts read_counts(const Statement& row) {
  ExportCounts each;
  int column = 1;
  for (auto* n : {&each.events, &each.rows, &each.duplicates, &each.set_aside, &each.late,
                  &each.parts, &each.bytes})
    *n = as_unsigned(row.integer(column++));
  return each;
}

}  // namespace

Result<void> add_dropped(Database& database, const LossCounts& counts) {
  return add_by_reason(database,
                       "INSERT INTO export_dropped VALUES (?, ?, ?)"
                       " ON CONFLICT (account, reason) DO UPDATE SET"
                       " events = export_dropped.events + excluded.events",
                       counts);
}

Result<std::map<std::string, ExportCounts>> SqlLedger::counts() {
  return reading([](Database& database) -> Result<std::map<std::string, ExportCounts>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT account, events, rows, duplicates, set_aside, late,"
                                  " parts, bytes FROM export_count"));
    std::map<std::string, ExportCounts> counts;
    VALETKEY_CHECK(for_each_row(
        query, [&](const Statement& row) { counts[std::string(row.text(0))] = read_counts(row); }));
    return counts;
  });
}

Result<ExportCounts> SqlLedger::total_counts() {
  return reading([](Database& database) -> Result<ExportCounts> {
    // PostgreSQL sums integers as numerics.
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT 0, CAST(coalesce(sum(events), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(rows), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(duplicates), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(set_aside), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(late), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(parts), 0) AS BIGINT),"
                                  " CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM export_count"));
    VALETKEY_TRY(const bool there, query.step());
    return there ? read_counts(query) : ExportCounts{};
  });
}

Result<void> SqlLedger::add_losses(const IntakeLosses& losses) {
  return writing([&](Database& database) -> Result<void> {
    VALETKEY_CHECK(add_dropped(database, losses.dropped));
    VALETKEY_CHECK(add_by_reason(database,
                                 "INSERT INTO export_altered VALUES (?, ?, ?)"
                                 " ON CONFLICT (account, reason) DO UPDATE SET"
                                 " fields = export_altered.fields + excluded.fields",
                                 losses.altered));
    if (losses.unknown_events == 0) return {};
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_unknown VALUES (1, ?, ?)"
                                  " ON CONFLICT (\"only\") DO UPDATE SET"
                                  " events = export_unknown.events + excluded.events,"
                                  " last = excluded.last"));
    return query.bind(as_signed(losses.unknown_events), losses.last_unknown).run();
  });
}

Result<IntakeLosses> SqlLedger::losses() {
  return reading([](Database& database) -> Result<IntakeLosses> {
    IntakeLosses losses;
    VALETKEY_TRY(losses.dropped,
                 read_by_reason(database, "SELECT account, reason, events FROM export_dropped"));
    VALETKEY_TRY(losses.altered,
                 read_by_reason(database, "SELECT account, reason, fields FROM export_altered"));
    VALETKEY_TRY(Statement query, database.prepare("SELECT events, last FROM export_unknown"));
    VALETKEY_TRY(const bool row, query.step());
    if (row) {
      losses.unknown_events = as_unsigned(query.integer(0));
      losses.last_unknown = query.text(1);
    }
    return losses;
  });
}

Result<std::optional<Timestamp>> SqlLedger::last_finished() {
  return reading([](Database& database) -> Result<std::optional<Timestamp>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT max(finished) FROM export_position"));
    VALETKEY_TRY(const bool there, query.step());
    if (!there || query.is_null(0)) return std::nullopt;
    return from_epoch_ms(query.integer(0));
  });
}

Result<void> SqlLedger::request_run(Timestamp now) {
  return writing([&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_request VALUES (1, ?)"
                                  " ON CONFLICT (\"only\") DO UPDATE SET asked = excluded.asked"));
    return query.bind(epoch_ms(now)).run();
  });
}

Result<std::optional<Timestamp>> SqlLedger::requested() {
  return reading([](Database& database) -> Result<std::optional<Timestamp>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT asked FROM export_request"));
    VALETKEY_TRY(const bool there, query.step());
    if (!there) return std::nullopt;
    return from_epoch_ms(query.integer(0));
  });
}

Result<void> SqlLedger::note_failure(Timestamp began, const std::string& why) {
  return writing([&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query, database.prepare("INSERT INTO export_failure VALUES (1, ?, ?)"
                                                   " ON CONFLICT (\"only\") DO UPDATE SET"
                                                   " began = excluded.began, why = excluded.why"));
    return query.bind(epoch_ms(began), why).run();
  });
}

Result<std::optional<std::string>> SqlLedger::failed_since(Timestamp asked) {
  return reading([&](Database& database) -> Result<std::optional<std::string>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT why FROM export_failure WHERE began >= ?"));
    VALETKEY_TRY(const bool there, query.bind(epoch_ms(asked)).step());
    if (!there) return std::nullopt;
    return std::string(query.text(0));
  });
}

Result<std::optional<layout::TimestampUnit>> SqlLedger::timestamps() {
  return reading([](Database& database) -> Result<std::optional<layout::TimestampUnit>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT timestamps FROM export_format"));
    VALETKEY_TRY(const bool there, query.step());
    if (!there || query.is_null(0)) return std::optional<layout::TimestampUnit>();
    return query.integer(0) == 1 ? layout::TimestampUnit::milliseconds
                                 : layout::TimestampUnit::microseconds;
  });
}

Result<void> SqlLedger::set_timestamps(layout::TimestampUnit unit) {
  return writing([&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query, database.prepare("INSERT INTO export_format VALUES (1, ?, 0)"
                                                   " ON CONFLICT (\"only\") DO UPDATE SET"
                                                   " timestamps = excluded.timestamps"));
    return query.bind(unit == layout::TimestampUnit::milliseconds ? 1 : 2).run();
  });
}

Result<void> SqlLedger::request_rewrite() {
  return writing([](Database& database) {
    return database.execute(
        "INSERT INTO export_format VALUES (1, NULL, 1)"
        " ON CONFLICT (\"only\") DO UPDATE SET rewriting = 1");
  });
}

Result<bool> SqlLedger::rewriting() {
  return reading([](Database& database) -> Result<bool> {
    VALETKEY_TRY(const auto count,
                 database.read_integer("SELECT count(*) FROM export_format WHERE rewriting = 1"));
    return count > 0;
  });
}

Result<void> SqlLedger::finish_rewrite(const Lease& lease) {
  return writing(lease, [](Database& database) {
    return database.execute("UPDATE export_format SET rewriting = 0");
  });
}

}  // namespace valetkey::exporter
