// SPDX-License-Identifier: Apache-2.0
// Runs that wait, and the cuts that turn them into parts.
#include <map>

#include "base/ids.h"
#include "exporter/internal/sql_ledger_rows.h"
#include "exporter/sql_ledger.h"

namespace valetkey::exporter {
namespace {

using sql::Database;
using sql::Statement;

// Off what waits of each account.
Result<void> take_waiting(Database& database, unsigned partition,
                          const std::map<std::string, std::uint64_t>& events) {
  VALETKEY_TRY(Statement take, database.prepare("UPDATE export_run_account SET events = events - ?"
                                                " WHERE log_partition = ? AND account = ?"));
  for (const auto& [account, count] : events)
    VALETKEY_CHECK(take.bind(as_signed(count), partition, account).run_later());
  return {};
}

// What is said to wait where no run is left was in one that was given up, and whose head could not be read.
Result<void> settle_waiting(Database& database, unsigned partition) {
  VALETKEY_TRY(Statement lost,
               database.prepare("SELECT account, events FROM export_run_account WHERE events > 0"
                                " AND log_partition = ?1 AND NOT EXISTS"
                                " (SELECT 1 FROM export_run WHERE log_partition = ?1)"));
  LossCounts dropped;
  VALETKEY_CHECK(for_each_row(lost.bind(partition), [&](const Statement& row) {
    dropped[std::string(row.text(0))][std::string(kInDamagedRun)] = as_unsigned(row.integer(1));
  }));
  VALETKEY_CHECK(add_dropped(database, dropped));
  VALETKEY_TRY(Statement none,
               database.prepare("DELETE FROM export_run_account WHERE log_partition = ?1"
                                " AND (events <= 0 OR NOT EXISTS"
                                " (SELECT 1 FROM export_run WHERE log_partition = ?1))"));
  return none.bind(partition).run();
}

}  // namespace

Result<void> add_run(Database& database, const Run& run,
                     const std::map<std::string, std::uint64_t>& events) {
  VALETKEY_TRY(
      Statement insert,
      database.prepare("INSERT INTO export_run (log_partition, next, id, first, open_day,"
                       " events, bytes, oldest, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  VALETKEY_CHECK(insert
                     .bind(run.log_partition, as_signed(run.next), run.id, as_signed(run.first),
                           number_of(run.open_day), as_signed(run.events), as_signed(run.bytes),
                           epoch_ms(run.oldest), epoch_ms(run.made))
                     .run());
  VALETKEY_TRY(Statement waiting,
               database.prepare("INSERT INTO export_run_account (log_partition, account, events)"
                                " VALUES (?, ?, ?) ON CONFLICT (log_partition, account) DO UPDATE"
                                " SET events = export_run_account.events + excluded.events"));
  for (const auto& [account, count] : events)
    VALETKEY_CHECK(waiting.bind(run.log_partition, account, as_signed(count)).run_later());
  return {};
}

Result<std::vector<Run>> SqlLedger::runs() {
  return reading([](Database& database) -> Result<std::vector<Run>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT log_partition, next, id, first, open_day, events, bytes,"
                                  " oldest, made FROM export_run ORDER BY log_partition, next"));
    std::vector<Run> all;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      all.push_back({std::string(row.text(2)), static_cast<unsigned>(row.integer(0)),
                     as_unsigned(row.integer(3)), as_unsigned(row.integer(1)),
                     day_of(row.integer(4)), as_unsigned(row.integer(5)),
                     as_unsigned(row.integer(6)), from_epoch_ms(row.integer(7)),
                     from_epoch_ms(row.integer(8))});
    }));
    return all;
  });
}

Result<RunTotals> SqlLedger::run_totals() {
  return reading([](Database& database) -> Result<RunTotals> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT count(*), CAST(coalesce(sum(events), 0) AS BIGINT)"
                                  " FROM export_run"));
    VALETKEY_TRY(const bool there, query.step());
    if (!there) return RunTotals{};
    return RunTotals{as_unsigned(query.integer(0)), as_unsigned(query.integer(1))};
  });
}

Result<std::vector<Cut>> SqlLedger::unfinished_cuts() {
  return reading([](Database& database) -> Result<std::vector<Cut>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT log_partition, id, through"
                                                   " FROM export_cut ORDER BY log_partition"));
    std::vector<Cut> all;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      all.push_back({std::string(row.text(1)), static_cast<unsigned>(row.integer(0)),
                     as_unsigned(row.integer(2))});
    }));
    return all;
  });
}

Result<Cut> SqlLedger::begin_cut(const Lease& lease, std::uint64_t through) {
  return writing(lease, [&](Database& database) -> Result<Cut> {
    Cut cut{make_uuid(), static_cast<unsigned>(lease.work), through};
    VALETKEY_TRY(Statement there, database.prepare("SELECT 1 FROM export_cut"
                                                   " WHERE log_partition = ?"));
    VALETKEY_TRY(const bool unfinished, there.bind(cut.log_partition).step());
    if (unfinished)
      return fail(ErrorCode::already_exists, "a cut of this partition is not finished");
    VALETKEY_TRY(Statement insert,
                 database.prepare("INSERT INTO export_cut (log_partition, id, through)"
                                  " VALUES (?, ?, ?)"));
    VALETKEY_CHECK(insert.bind(cut.log_partition, cut.id, as_signed(through)).run());
    return cut;
  });
}

Result<void> SqlLedger::finish_cut(const Lease& lease, const Cut& cut,
                                   const std::map<std::string, ExportCounts>& counts) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement gone,
                 database.prepare("DELETE FROM export_cut WHERE log_partition = ? AND id = ?"));
    VALETKEY_CHECK(gone.bind(cut.log_partition, cut.id).run());
    if (database.changes() != 1)
      return fail(ErrorCode::busy, "another exporter has finished this cut; run one at a time");
    VALETKEY_TRY(Statement runs,
                 database.prepare("DELETE FROM export_run WHERE log_partition = ? AND next <= ?"));
    VALETKEY_CHECK(runs.bind(cut.log_partition, as_signed(cut.through)).run());
    std::map<std::string, std::uint64_t> events;
    for (const auto& [account, each] : counts) events[account] = each.events;
    VALETKEY_CHECK(take_waiting(database, cut.log_partition, events));
    VALETKEY_CHECK(settle_waiting(database, cut.log_partition));
    return add_counts(database, counts);
  });
}

Result<bool> SqlLedger::reduce_run(const Run& left, std::uint64_t events,
                                   const std::map<std::string, std::uint64_t>& lost) {
  return writing([&](Database& database) -> Result<bool> {
    // Not while the one who owns the partition adds runs or takes them away.
    VALETKEY_TRY(Statement hold,
                 database.prepare("UPDATE export_lease SET epoch = epoch WHERE work = ?"));
    VALETKEY_CHECK(hold.bind(left.log_partition).run());
    VALETKEY_TRY(
        Statement change,
        database.prepare("UPDATE export_run SET events = ?, bytes = ?"
                         " WHERE log_partition = ? AND next = ? AND id = ? AND events = ?"));
    VALETKEY_CHECK(change
                       .bind(as_signed(left.events), as_signed(left.bytes), left.log_partition,
                             as_signed(left.next), left.id, as_signed(events))
                       .run());
    if (database.changes() != 1) return false;
    VALETKEY_TRY(Statement gone, database.prepare("DELETE FROM export_run WHERE log_partition = ?"
                                                  " AND next = ? AND events = 0"));
    VALETKEY_CHECK(gone.bind(left.log_partition, as_signed(left.next)).run());
    VALETKEY_CHECK(take_waiting(database, left.log_partition, lost));
    LossCounts dropped;
    for (const auto& [account, each] : lost) dropped[account][std::string(kInDamagedRun)] = each;
    VALETKEY_CHECK(add_dropped(database, dropped));
    VALETKEY_CHECK(settle_waiting(database, left.log_partition));
    return true;
  });
}

Result<std::map<std::string, WaitingInRuns>> SqlLedger::waiting_in_runs() {
  return reading([](Database& database) -> Result<std::map<std::string, WaitingInRuns>> {
    VALETKEY_TRY(
        Statement query,
        database.prepare("SELECT account, CAST(sum(events) AS BIGINT),"
                         " min((SELECT min(oldest) FROM export_run"
                         " WHERE export_run.log_partition = export_run_account.log_partition))"
                         " FROM export_run_account GROUP BY account"));
    std::map<std::string, WaitingInRuns> all;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      all[std::string(row.text(0))] = {as_unsigned(row.integer(1)), from_epoch_ms(row.integer(2))};
    }));
    return all;
  });
}

}  // namespace valetkey::exporter
