// SPDX-License-Identifier: Apache-2.0
// Leases, batches, the files of seen uuids, days, merges.
#include "exporter/sql_ledger.h"

#include "base/ids.h"
#include "exporter/internal/sql_ledger_rows.h"
#include "exporter/internal/sql_ledger_schema.h"
#include "sqlite/database.h"

namespace valetkey::exporter {
namespace {

using sql::Database;
using sql::Statement;

constexpr std::chrono::days kExcessKept{2};  // an hour's events are exported long before

std::int64_t hour_of(Timestamp t) {
  return std::chrono::floor<std::chrono::hours>(t.time_since_epoch()).count();
}

Result<void> add_seen(Database& database, unsigned partition, const std::vector<SeenFile>& seen) {
  VALETKEY_TRY(Statement query,
               database.prepare("INSERT INTO export_seen (key, day, uuids, log_partition)"
                                " VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
                                " day = excluded.day, uuids = excluded.uuids,"
                                " log_partition = excluded.log_partition"));
  for (const auto& file : seen)
    VALETKEY_CHECK(
        query.bind(file.key, number_of(file.day), as_signed(file.uuids), partition).run_later());
  return {};
}

Result<void> add_excess(Database& database, const ExportExcess& excess, Timestamp now) {
  VALETKEY_TRY(Statement old, database.prepare("DELETE FROM export_excess WHERE hour < ?"));
  VALETKEY_CHECK(old.bind(hour_of(now - kExcessKept)).run_later());
  VALETKEY_TRY(Statement query,
               database.prepare("INSERT INTO export_excess VALUES (?, ?, ?)"
                                " ON CONFLICT (account, hour) DO UPDATE"
                                " SET bytes = export_excess.bytes + excluded.bytes"));
  for (const auto& [key, bytes] : excess)
    VALETKEY_CHECK(query.bind(key.first, key.second, as_signed(bytes)).run_later());
  return {};
}

Result<std::vector<SeenFile>> read_seen(Statement& query) {
  std::vector<SeenFile> files;
  VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
    files.push_back(
        {std::string(row.text(0)), day_of(row.integer(1)), as_unsigned(row.integer(2))});
  }));
  return files;
}

// Sealing a day waits for the batches that begin, and they wait for the sealing.
Result<void> hold_days(Database& database) {
  VALETKEY_TRY(Statement query,
               database.prepare("UPDATE export_day SET closed_through = closed_through"));
  return query.run();
}

// The last day that no batch may write to any more.
Result<std::optional<Date>> read_sealed_through(Database& database) {
  VALETKEY_TRY(Statement query,
               database.prepare("SELECT max(day) FROM (SELECT closed_through AS day FROM export_day"
                                " UNION ALL SELECT sealed_through FROM export_seal) AS days"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return day_of(query.integer(0));
}

Result<std::optional<Date>> read_closed_through(Database& database) {
  VALETKEY_TRY(Statement query, database.prepare("SELECT closed_through FROM export_day"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return day_of(query.integer(0));
}

Result<void> forget_merge(Database& database, const std::string& output) {
  VALETKEY_TRY(Statement query, database.prepare("DELETE FROM export_merge WHERE output = ?"));
  return query.bind(output).run();
}

}  // namespace

Result<void> add_counts(Database& database, const std::map<std::string, ExportCounts>& counts) {
  VALETKEY_TRY(Statement query,
               database.prepare("INSERT INTO export_count VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                                " ON CONFLICT (account) DO UPDATE SET"
                                " events = export_count.events + excluded.events,"
                                " rows = export_count.rows + excluded.rows,"
                                " duplicates = export_count.duplicates + excluded.duplicates,"
                                " set_aside = export_count.set_aside + excluded.set_aside,"
                                " late = export_count.late + excluded.late,"
                                " parts = export_count.parts + excluded.parts,"
                                " bytes = export_count.bytes + excluded.bytes"));
  for (const auto& [account, each] : counts) {
    query.bind(account, as_signed(each.events), as_signed(each.rows), as_signed(each.duplicates),
               as_signed(each.set_aside), as_signed(each.late), as_signed(each.parts),
               as_signed(each.bytes));
    VALETKEY_CHECK(query.run_later());
  }
  return {};
}

// One connection: the process's writers queue for it, and SQLite's lock only settles matters between processes.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file) {
  const auto open = [file] {
    return sqlite::Database::open(file, sqlite::Database::Mode::read_write);
  };
  VALETKEY_TRY(const auto database, open());
  VALETKEY_CHECK(prepare_ledger(*database));
  return std::make_unique<SqlLedger>(open, 1);
}

Result<std::unique_ptr<Ledger>> open_postgres_ledger(std::shared_ptr<postgres::Server> server) {
  VALETKEY_CHECK(prepare_ledger(*server));
  constexpr std::size_t kConnections = 4;
  return std::make_unique<SqlLedger>([server = std::move(server)] { return server->connect(); },
                                     kConnections);
}

Result<Lease> SqlLedger::take_lease(Work work) {
  return writing([&](Database& database) -> Result<Lease> {
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_lease (work, epoch) VALUES (?, 1)"
                                  " ON CONFLICT (work) DO UPDATE SET epoch = export_lease.epoch + 1"
                                  " RETURNING epoch"));
    VALETKEY_TRY(const bool there, query.bind(work).step());
    if (!there) return fail(ErrorCode::internal, "the export ledger gave no lease");
    const Lease lease{work, as_unsigned(query.integer(0))};
    VALETKEY_CHECK(query.run());
    return lease;
  });
}

Result<std::vector<Lease>> SqlLedger::leases() {
  return reading([](Database& database) -> Result<std::vector<Lease>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT work, epoch FROM export_lease ORDER BY work"));
    std::vector<Lease> leases;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      leases.push_back({row.integer(0), as_unsigned(row.integer(1))});
    }));
    return leases;
  });
}

// An update that changes nothing holds the row: nobody takes the work before this transaction ends.
Result<void> SqlLedger::check(Database& database, const Lease& lease) {
  VALETKEY_TRY(
      Statement query,
      database.prepare("UPDATE export_lease SET epoch = epoch WHERE work = ? AND epoch = ?"));
  VALETKEY_CHECK(query.bind(lease.work, as_signed(lease.epoch)).run());
  if (database.changes() == 1) return {};
  return fail(ErrorCode::busy, "another exporter has taken over this work; run one at a time");
}

Result<std::uint64_t> SqlLedger::consumed(unsigned log_partition) {
  return reading([&](Database& database) -> Result<std::uint64_t> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT consumed FROM export_position WHERE log_partition = ?"));
    VALETKEY_TRY(const bool there, query.bind(log_partition).step());
    return there ? as_unsigned(query.integer(0)) : 0;
  });
}

Result<std::optional<ExportBatch>> SqlLedger::unfinished(unsigned log_partition) {
  return reading([&](Database& database) -> Result<std::optional<ExportBatch>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT id, first, next, open_day, into_run FROM export_batch"
                                  " WHERE log_partition = ?"));
    VALETKEY_TRY(const bool there, query.bind(log_partition).step());
    if (!there) return std::nullopt;
    return ExportBatch{std::string(query.text(0)),    log_partition,
                       as_unsigned(query.integer(1)), as_unsigned(query.integer(2)),
                       day_of(query.integer(3)),      query.integer(4) != 0};
  });
}

Result<ExportBatch> SqlLedger::begin(const Lease& lease, std::uint64_t first, std::uint64_t next,
                                     bool into_run) {
  return writing(lease, [&](Database& database) -> Result<ExportBatch> {
    VALETKEY_TRY(Statement there,
                 database.prepare("SELECT 1 FROM export_batch WHERE log_partition = ?"));
    VALETKEY_TRY(const bool unfinished, there.bind(lease.work).step());
    if (unfinished)
      return fail(ErrorCode::already_exists, "a batch of this partition is not finished");
    VALETKEY_CHECK(hold_days(database));
    VALETKEY_TRY(const auto sealed, read_sealed_through(database));
    ExportBatch batch{make_uuid(),
                      static_cast<unsigned>(lease.work),
                      first,
                      next,
                      sealed ? *sealed + std::chrono::days(1) : Date(),
                      into_run};
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_batch (log_partition, id, first, next,"
                                  " open_day, into_run) VALUES (?, ?, ?, ?, ?, ?)"));
    VALETKEY_CHECK(query
                       .bind(batch.log_partition, batch.id, as_signed(first), as_signed(next),
                             number_of(batch.open_day), into_run ? 1 : 0)
                       .run());
    return batch;
  });
}

Result<void> SqlLedger::finish(const Lease& lease, const ExportBatch& batch,
                               const ExportResult& result, Timestamp now) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement gone,
                 database.prepare("DELETE FROM export_batch WHERE log_partition = ? AND id = ?"));
    VALETKEY_CHECK(gone.bind(batch.log_partition, batch.id).run());
    if (database.changes() != 1)
      return fail(ErrorCode::busy, "another exporter has finished this batch; run one at a time");
    VALETKEY_TRY(Statement position,
                 database.prepare("INSERT INTO export_position (log_partition, consumed, finished)"
                                  " VALUES (?, ?, ?) ON CONFLICT (log_partition) DO UPDATE SET"
                                  " consumed = excluded.consumed, finished = excluded.finished"));
    VALETKEY_CHECK(position.bind(batch.log_partition, as_signed(batch.next), epoch_ms(now)).run());
    VALETKEY_CHECK(add_seen(database, batch.log_partition, result.seen));
    VALETKEY_CHECK(add_counts(database, result.counts));
    if (result.run) VALETKEY_CHECK(add_run(database, *result.run, result.in_run));
    VALETKEY_CHECK(add_dropped(database, result.dropped));
    return add_excess(database, result.excess, now);
  });
}

Result<ExportExcess> SqlLedger::excess() {
  return reading([](Database& database) -> Result<ExportExcess> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT account, hour, bytes FROM export_excess"));
    ExportExcess out;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      out[{std::string(row.text(0)), row.integer(1)}] = as_unsigned(row.integer(2));
    }));
    return out;
  });
}

Result<std::vector<SeenFile>> SqlLedger::seen(unsigned partition) {
  return reading([&](Database& database) -> Result<std::vector<SeenFile>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT key, day, uuids FROM export_seen WHERE log_partition = ?"
                                  " ORDER BY day, key"));
    return read_seen(query.bind(partition));
  });
}

Result<std::vector<SeenFile>> SqlLedger::all_seen() {
  return reading([](Database& database) -> Result<std::vector<SeenFile>> {
    VALETKEY_TRY(Statement query,
                 database.prepare("SELECT key, day, uuids FROM export_seen ORDER BY day, key"));
    return read_seen(query);
  });
}

Result<void> SqlLedger::forget_seen(const std::string& key) {
  return writing([&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query, database.prepare("DELETE FROM export_seen WHERE key = ?"));
    return query.bind(key).run();
  });
}

Result<void> SqlLedger::replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                                     const std::vector<SeenFile>& added) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query, database.prepare("DELETE FROM export_seen WHERE key = ?"));
    for (const auto& key : gone) VALETKEY_CHECK(query.bind(key).run_later());
    return add_seen(database, static_cast<unsigned>(lease.work), added);
  });
}

Result<std::optional<Date>> SqlLedger::closed_through() {
  return reading([](Database& database) { return read_closed_through(database); });
}

Result<void> SqlLedger::close_day(const Lease& lease, Date day) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_day VALUES (1, ?1) ON CONFLICT (\"only\")"
                                  " DO UPDATE SET closed_through = CASE"
                                  " WHEN export_day.closed_through > excluded.closed_through"
                                  " THEN export_day.closed_through"
                                  " ELSE excluded.closed_through END"));
    VALETKEY_CHECK(query.bind(number_of(day)).run());
    return count_repeats(database);
  });
}

Result<void> SqlLedger::seal_day(const Lease& lease, Date day) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_CHECK(hold_days(database));
    VALETKEY_TRY(Statement query,
                 database.prepare("INSERT INTO export_seal VALUES (1, ?1) ON CONFLICT (\"only\")"
                                  " DO UPDATE SET sealed_through = CASE"
                                  " WHEN export_seal.sealed_through > excluded.sealed_through"
                                  " THEN export_seal.sealed_through"
                                  " ELSE excluded.sealed_through END"));
    return query.bind(number_of(day)).run();
  });
}

Result<void> SqlLedger::plan_merge(const Lease& lease, const PlannedMerge& merge) {
  return writing(lease, [&](Database& database) -> Result<void> {
    VALETKEY_CHECK(forget_merge(database, merge.output));
    VALETKEY_TRY(Statement query, database.prepare("INSERT INTO export_merge VALUES (?, ?)"));
    for (const auto& input : merge.inputs)
      VALETKEY_CHECK(query.bind(merge.output, input).run_later());
    return {};
  });
}

Result<std::vector<PlannedMerge>> SqlLedger::planned_merges() {
  return reading([](Database& database) -> Result<std::vector<PlannedMerge>> {
    VALETKEY_TRY(Statement query, database.prepare("SELECT output, input FROM export_merge"
                                                   " ORDER BY output, input"));
    std::vector<PlannedMerge> all;
    VALETKEY_CHECK(for_each_row(query, [&](const Statement& row) {
      if (all.empty() || all.back().output != row.text(0))
        all.push_back({std::string(row.text(0)), {}});
      all.back().inputs.emplace_back(row.text(1));
    }));
    return all;
  });
}

Result<void> SqlLedger::finish_merge(const Lease& lease, const std::string& output) {
  return writing(lease, [&](Database& database) { return forget_merge(database, output); });
}

}  // namespace valetkey::exporter
