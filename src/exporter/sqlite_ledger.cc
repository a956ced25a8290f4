// SPDX-License-Identifier: Apache-2.0
#include "exporter/sqlite_ledger.h"

#include "base/ids.h"
#include "exporter/internal/sqlite_ledger_schema.h"

namespace valetkey::exporter {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr std::chrono::days kErasuresKept{1};  // once done: whoever asked has looked by then

constexpr const char* kAddDropped =
    "INSERT INTO export_dropped VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET events = events + "
    "excluded.events";
constexpr std::chrono::days kExcessKept{2};  // an hour's events are exported long before

std::int64_t hour_of(Timestamp t) {
  return std::chrono::floor<std::chrono::hours>(t.time_since_epoch()).count();
}
std::int64_t number_of(Date day) { return day.time_since_epoch().count(); }
Date day_of(std::int64_t number) { return Date(std::chrono::days(number)); }
std::int64_t as_signed(std::uint64_t n) { return static_cast<std::int64_t>(n); }
std::uint64_t as_unsigned(std::int64_t n) { return static_cast<std::uint64_t>(n); }

}  // namespace

Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file) {
  VALETKEY_TRY(auto database, Database::open(file, Database::Mode::read_write));
  VALETKEY_CHECK(prepare_ledger(*database));
  return std::make_unique<SqliteLedger>(std::move(database));
}

Result<Lease> SqliteLedger::take_lease(Work work) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_TRY(
      Statement query,
      database_->prepare(
          "INSERT INTO export_lease VALUES (?, 1) ON CONFLICT DO UPDATE SET epoch = epoch + 1 "
          "RETURNING epoch"));
  VALETKEY_TRY(const bool there, query.bind(work).step());
  if (!there) return fail(ErrorCode::internal, "the export ledger gave no lease");
  const Lease lease{work, as_unsigned(query.integer(0))};
  VALETKEY_CHECK(query.run());
  VALETKEY_CHECK(transaction.commit());
  return lease;
}

// Within the transaction of a write, so that nobody takes the work in between.
Result<void> SqliteLedger::check(const Lease& lease) {
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT epoch FROM export_lease WHERE work = ?"));
  VALETKEY_TRY(const bool there, query.bind(lease.work).step());
  if (there && as_unsigned(query.integer(0)) == lease.epoch) return {};
  return fail(ErrorCode::busy, "another exporter has taken over this work; run one at a time");
}

Result<std::uint64_t> SqliteLedger::consumed(unsigned log_partition) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT consumed FROM export_position "
                                                   "WHERE log_partition = ?"));
  VALETKEY_TRY(const bool there, query.bind(log_partition).step());
  return there ? as_unsigned(query.integer(0)) : 0;
}

Result<std::optional<ExportBatch>> SqliteLedger::unfinished(unsigned log_partition) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT id, first, next, open_day FROM export_batch "
                                  "WHERE log_partition = ?"));
  VALETKEY_TRY(const bool there, query.bind(log_partition).step());
  if (!there) return std::nullopt;
  return ExportBatch{std::string(query.text(0)), log_partition, as_unsigned(query.integer(1)),
                     as_unsigned(query.integer(2)), day_of(query.integer(3))};
}

Result<ExportBatch> SqliteLedger::begin(const Lease& lease, std::uint64_t first,
                                        std::uint64_t next) {
  VALETKEY_TRY(const auto closed, closed_through());
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  ExportBatch batch{make_uuid(), static_cast<unsigned>(lease.work), first, next,
                    closed ? *closed + std::chrono::days(1) : Date()};
  VALETKEY_TRY(Statement there,
               database_->prepare("SELECT 1 FROM export_batch WHERE log_partition = ?"));
  VALETKEY_TRY(const bool unfinished, there.bind(batch.log_partition).step());
  if (unfinished)
    return fail(ErrorCode::already_exists, "a batch of this partition is not finished");
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_batch VALUES (?, ?, ?, ?, ?)"));
  VALETKEY_CHECK(query
                     .bind(batch.log_partition, batch.id, as_signed(first), as_signed(next),
                           number_of(batch.open_day))
                     .run());
  VALETKEY_CHECK(transaction.commit());
  return batch;
}

Result<void> SqliteLedger::add_counts(const std::string& account, const ExportCounts& counts) {
  VALETKEY_TRY(
      Statement query,
      database_->prepare(
          "INSERT INTO export_count VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
          "events = events + excluded.events, rows = rows + excluded.rows, "
          "duplicates = duplicates + excluded.duplicates, "
          "set_aside = set_aside + excluded.set_aside, late = late + excluded.late, "
          "parts = parts + excluded.parts, "
          "bytes = bytes + excluded.bytes"));
  query.bind(account, as_signed(counts.events), as_signed(counts.rows),
             as_signed(counts.duplicates), as_signed(counts.set_aside), as_signed(counts.late),
             as_signed(counts.parts), as_signed(counts.bytes));
  return query.run();
}

Result<void> SqliteLedger::add_seen(unsigned partition, const std::vector<SeenFile>& seen) {
  for (const auto& file : seen) {
    VALETKEY_TRY(Statement query,
                 database_->prepare("INSERT OR REPLACE INTO export_seen (key, day, uuids, "
                                    "log_partition) VALUES (?, ?, ?, ?)"));
    VALETKEY_CHECK(
        query.bind(file.key, number_of(file.day), as_signed(file.uuids), partition).run());
  }
  return {};
}

Result<void> SqliteLedger::add_excess(const ExportExcess& excess, Timestamp now) {
  VALETKEY_TRY(Statement old, database_->prepare("DELETE FROM export_excess WHERE hour < ?"));
  VALETKEY_CHECK(old.bind(hour_of(now - kExcessKept)).run());
  for (const auto& [key, bytes] : excess) {
    VALETKEY_TRY(
        Statement query,
        database_->prepare("INSERT INTO export_excess VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                           "SET bytes = bytes + excluded.bytes"));
    VALETKEY_CHECK(query.bind(key.first, key.second, as_signed(bytes)).run());
  }
  return {};
}

Result<ExportExcess> SqliteLedger::excess() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT account, hour, bytes FROM export_excess"));
  ExportExcess out;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return out;
    out[{std::string(query.text(0)), query.integer(1)}] = as_unsigned(query.integer(2));
  }
}

Result<void> SqliteLedger::finish(const Lease& lease, const ExportBatch& batch,
                                  const ExportResult& result, Timestamp now) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_TRY(Statement gone,
               database_->prepare("DELETE FROM export_batch WHERE log_partition = ? AND id = ?"));
  VALETKEY_CHECK(gone.bind(batch.log_partition, batch.id).run());
  if (database_->changes() != 1)
    return fail(ErrorCode::busy, "another exporter has finished this batch; run one at a time");
  VALETKEY_TRY(Statement position,
               database_->prepare("INSERT OR REPLACE INTO export_position VALUES (?, ?, ?)"));
  VALETKEY_CHECK(position.bind(batch.log_partition, as_signed(batch.next), epoch_ms(now)).run());
  VALETKEY_CHECK(add_seen(batch.log_partition, result.seen));
  for (const auto& [account, each] : result.counts) VALETKEY_CHECK(add_counts(account, each));
  VALETKEY_CHECK(add_losses(kAddDropped, result.dropped));
  VALETKEY_CHECK(add_excess(result.excess, now));
  return transaction.commit();
}

Result<std::vector<SeenFile>> SqliteLedger::read_seen(Statement& query) {
  std::vector<SeenFile> files;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return files;
    files.push_back(
        {std::string(query.text(0)), day_of(query.integer(1)), as_unsigned(query.integer(2))});
  }
}

Result<std::vector<SeenFile>> SqliteLedger::seen(unsigned partition) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT key, day, uuids FROM export_seen WHERE log_partition = ? "
                                  "ORDER BY day, key"));
  return read_seen(query.bind(partition));
}

Result<std::vector<SeenFile>> SqliteLedger::all_seen() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT key, day, uuids FROM export_seen ORDER BY day, key"));
  return read_seen(query);
}

Result<void> SqliteLedger::forget_seen(const std::string& key) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_seen WHERE key = ?"));
  return query.bind(key).run();
}

Result<void> SqliteLedger::replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                                        const std::vector<SeenFile>& added) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  for (const auto& key : gone) {
    VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_seen WHERE key = ?"));
    VALETKEY_CHECK(query.bind(key).run());
  }
  VALETKEY_CHECK(add_seen(static_cast<unsigned>(lease.work), added));
  return transaction.commit();
}

Result<std::optional<Date>> SqliteLedger::closed_through() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT closed_through FROM export_day"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return day_of(query.integer(0));
}

Result<void> SqliteLedger::close_day(const Lease& lease, Date day) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_day VALUES (1, ?) ON CONFLICT DO UPDATE SET "
                                  "closed_through = max(closed_through, excluded.closed_through)"));
  VALETKEY_CHECK(query.bind(number_of(day)).run());
  return transaction.commit();
}

Result<std::map<std::string, ExportCounts>> SqliteLedger::counts() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT account, events, rows, duplicates, set_aside, "
                                  "late, parts, bytes FROM export_count"));
  std::map<std::string, ExportCounts> counts;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return counts;
    auto& each = counts[std::string(query.text(0))];
    int column = 1;
    for (auto* n : {&each.events, &each.rows, &each.duplicates, &each.set_aside, &each.late,
                    &each.parts, &each.bytes})
      *n = as_unsigned(query.integer(column++));
  }
}

Result<void> SqliteLedger::add_losses(const char* insert, const LossCounts& counts) {
  for (const auto& [account, reasons] : counts)
    for (const auto& [reason, count] : reasons) {
      VALETKEY_TRY(Statement query, database_->prepare(insert));
      VALETKEY_CHECK(query.bind(account, reason, as_signed(count)).run());
    }
  return {};
}

Result<void> SqliteLedger::add_losses(const IntakeLosses& losses) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(add_losses(kAddDropped, losses.dropped));
  VALETKEY_CHECK(add_losses(
      "INSERT INTO export_altered VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET fields = fields + "
      "excluded.fields",
      losses.altered));
  if (losses.unknown_events > 0) {
    VALETKEY_TRY(Statement query,
                 database_->prepare("INSERT INTO export_unknown VALUES (1, ?, ?) ON CONFLICT DO "
                                    "UPDATE SET events = events + excluded.events, last = "
                                    "excluded.last"));
    VALETKEY_CHECK(query.bind(as_signed(losses.unknown_events), losses.last_unknown).run());
  }
  return transaction.commit();
}

Result<LossCounts> SqliteLedger::read_losses(const char* select) {
  VALETKEY_TRY(Statement query, database_->prepare(select));
  LossCounts counts;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return counts;
    counts[std::string(query.text(0))][std::string(query.text(1))] = as_unsigned(query.integer(2));
  }
}

Result<IntakeLosses> SqliteLedger::losses() {
  const std::lock_guard guard(mutex_);
  IntakeLosses losses;
  VALETKEY_TRY(losses.dropped, read_losses("SELECT account, reason, events FROM export_dropped"));
  VALETKEY_TRY(losses.altered, read_losses("SELECT account, reason, fields FROM export_altered"));
  VALETKEY_TRY(Statement query, database_->prepare("SELECT events, last FROM export_unknown"));
  VALETKEY_TRY(const bool row, query.step());
  if (row) {
    losses.unknown_events = as_unsigned(query.integer(0));
    losses.last_unknown = query.text(1);
  }
  return losses;
}

Result<std::optional<Timestamp>> SqliteLedger::last_finished() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT max(finished) FROM export_position"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return from_epoch_ms(query.integer(0));
}

Result<void> SqliteLedger::request_run(Timestamp now) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_request VALUES (1, ?)"));
  return query.bind(epoch_ms(now)).run();
}

Result<bool> SqliteLedger::take_request() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(const auto asked, database_->read_integer("SELECT count(*) FROM export_request"));
  if (asked == 0) return false;
  VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_request"));
  VALETKEY_CHECK(query.run());
  return true;
}

Result<void> SqliteLedger::note_failure(Timestamp began, const std::string& why) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_failure VALUES (1, ?, ?)"));
  return query.bind(epoch_ms(began), why).run();
}

Result<std::optional<std::string>> SqliteLedger::failed_since(Timestamp asked) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT why FROM export_failure WHERE began >= ?"));
  VALETKEY_TRY(const bool there, query.bind(epoch_ms(asked)).step());
  if (!there) return std::nullopt;
  return std::string(query.text(0));
}

Result<std::int64_t> SqliteLedger::request_erasure(const std::string& account,
                                                   const std::string& visitor_sha256,
                                                   Timestamp now) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_TRY(
      Statement old,
      database_->prepare("DELETE FROM export_erasure WHERE rows IS NOT NULL AND asked < ?"));
  VALETKEY_CHECK(old.bind(epoch_ms(now - kErasuresKept)).run());
  VALETKEY_TRY(Statement of_old,
               database_->prepare("DELETE FROM export_erased WHERE erasure NOT IN "
                                  "(SELECT id FROM export_erasure)"));
  VALETKEY_CHECK(of_old.run());
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_erasure (account, visitor_sha256, asked) "
                                  "VALUES (?, ?, ?)"));
  VALETKEY_CHECK(query.bind(account, visitor_sha256, epoch_ms(now)).run());
  VALETKEY_TRY(const auto id, database_->read_integer("SELECT last_insert_rowid()"));
  VALETKEY_CHECK(transaction.commit());
  return id;
}

Result<std::optional<AskedErasure>> SqliteLedger::next_erasure() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT id, account, visitor_sha256 FROM export_erasure "
                                  "WHERE rows IS NULL ORDER BY id LIMIT 1"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there) return std::nullopt;
  return AskedErasure{query.integer(0), std::string(query.text(1)), std::string(query.text(2))};
}

Result<void> SqliteLedger::plan_merge(const Lease& lease, const PlannedMerge& merge) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_TRY(Statement former, database_->prepare("DELETE FROM export_merge WHERE output = ?"));
  VALETKEY_CHECK(former.bind(merge.output).run());
  for (const auto& input : merge.inputs) {
    VALETKEY_TRY(Statement query, database_->prepare("INSERT INTO export_merge VALUES (?, ?)"));
    VALETKEY_CHECK(query.bind(merge.output, input).run());
  }
  return transaction.commit();
}

Result<std::vector<PlannedMerge>> SqliteLedger::planned_merges() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT output, input FROM export_merge "
                                                   "ORDER BY output, input"));
  std::vector<PlannedMerge> all;
  while (true) {
    VALETKEY_TRY(const bool more, query.step());
    if (!more) return all;
    if (all.empty() || all.back().output != query.text(0))
      all.push_back({std::string(query.text(0)), {}});
    all.back().inputs.emplace_back(query.text(1));
  }
}

Result<void> SqliteLedger::finish_merge(const Lease& lease, const std::string& output) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_merge WHERE output = ?"));
  VALETKEY_CHECK(query.bind(output).run());
  return transaction.commit();
}

Result<void> SqliteLedger::note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                                       std::uint64_t rows) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_erased (erasure, key, rows) "
                                  "VALUES (?, ?, ?)"));
  VALETKEY_CHECK(query.bind(id, key, as_signed(rows)).run());
  return transaction.commit();
}

Result<void> SqliteLedger::finish_erasure(const Lease& lease, std::int64_t id,
                                          const std::vector<std::string>& unreadable) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  for (const auto& key : unreadable) {
    VALETKEY_TRY(Statement query,
                 database_->prepare("INSERT OR IGNORE INTO export_erased (erasure, key) "
                                    "VALUES (?, ?)"));
    VALETKEY_CHECK(query.bind(id, key).run());
  }
  // Once, however often it is finished.
  for (const char* sql :
       {"INSERT INTO export_taken SELECT account, (SELECT coalesce(sum(rows), 0) FROM "
        "export_erased "
        "WHERE erasure = export_erasure.id) FROM export_erasure WHERE id = ? AND rows IS NULL "
        "ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
        "UPDATE export_erasure SET rows = (SELECT coalesce(sum(rows), 0) FROM export_erased WHERE "
        "erasure = export_erasure.id) WHERE id = ?"}) {
    VALETKEY_TRY(Statement query, database_->prepare(sql));
    VALETKEY_CHECK(query.bind(id).run());
  }
  return transaction.commit();
}

Result<std::optional<ErasureResult>> SqliteLedger::erased(std::int64_t id) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT rows FROM export_erasure WHERE id = ?"));
  VALETKEY_TRY(const bool there, query.bind(id).step());
  if (!there || query.is_null(0)) return std::nullopt;
  ErasureResult out{as_unsigned(query.integer(0)), {}};
  VALETKEY_TRY(Statement keys,
               database_->prepare("SELECT key FROM export_erased WHERE erasure = ? AND "
                                  "rows IS NULL ORDER BY key"));
  keys.bind(id);
  while (true) {
    VALETKEY_TRY(const bool more, keys.step());
    if (!more) return out;
    out.unreadable.emplace_back(keys.text(0));
  }
}

Result<std::map<std::string, std::uint64_t>> SqliteLedger::erased_rows() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT account, rows FROM export_taken"));
  std::map<std::string, std::uint64_t> all;
  while (true) {
    VALETKEY_TRY(const bool more, query.step());
    if (!more) return all;
    all.emplace(query.text(0), as_unsigned(query.integer(1)));
  }
}

Result<void> SqliteLedger::forget_account(const Lease& lease, const std::string& account,
                                          std::int64_t but_erasure) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_CHECK(check(lease));
  for (const char* sql :
       {"DELETE FROM export_count WHERE account = ?", "DELETE FROM export_taken WHERE account = ?",
        "DELETE FROM export_dropped WHERE account = ?",
        "DELETE FROM export_altered WHERE account = ?"}) {
    VALETKEY_TRY(Statement query, database_->prepare(sql));
    VALETKEY_CHECK(query.bind(account).run());
  }
  VALETKEY_TRY(Statement others,
               database_->prepare("DELETE FROM export_erasure WHERE account = ? AND id <> ?"));
  VALETKEY_CHECK(others.bind(account, but_erasure).run());
  VALETKEY_TRY(Statement of_others,
               database_->prepare("DELETE FROM export_erased WHERE erasure NOT IN "
                                  "(SELECT id FROM export_erasure)"));
  VALETKEY_CHECK(of_others.run());
  return transaction.commit();
}

}  // namespace valetkey::exporter
