// SPDX-License-Identifier: Apache-2.0
#include "exporter/ledger.h"

#include <algorithm>

#include "base/ids.h"

namespace valetkey::exporter {
namespace {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS export_batch (
  log_partition INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  first INTEGER NOT NULL,
  next INTEGER NOT NULL,
  open_day INTEGER NOT NULL,
  CHECK (first < next)
);
CREATE TABLE IF NOT EXISTS export_position (
  log_partition INTEGER PRIMARY KEY,
  consumed INTEGER NOT NULL,
  finished INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_seen (
  key TEXT PRIMARY KEY,
  day INTEGER NOT NULL,
  uuids INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_day (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  closed_through INTEGER
);
CREATE TABLE IF NOT EXISTS export_request (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  asked INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS export_excess (
  account TEXT NOT NULL,
  hour INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (account, hour)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_failure (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  began INTEGER NOT NULL,
  why TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS export_erasure (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account TEXT NOT NULL,
  visitor_sha256 TEXT NOT NULL,
  asked INTEGER NOT NULL,
  rows INTEGER
);
CREATE TABLE IF NOT EXISTS export_erased (
  erasure INTEGER NOT NULL,
  key TEXT NOT NULL,
  rows INTEGER,
  PRIMARY KEY (erasure, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_count (
  account TEXT PRIMARY KEY,
  events INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  set_aside INTEGER NOT NULL,
  late INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_dropped (
  account TEXT NOT NULL,
  reason TEXT NOT NULL,
  events INTEGER NOT NULL,
  PRIMARY KEY (account, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_altered (
  account TEXT NOT NULL,
  reason TEXT NOT NULL,
  fields INTEGER NOT NULL,
  PRIMARY KEY (account, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS export_unknown (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  events INTEGER NOT NULL,
  last TEXT NOT NULL
);
)";

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

ExportCounts& ExportCounts::operator+=(const ExportCounts& other) {
  events += other.events;
  rows += other.rows;
  duplicates += other.duplicates;
  set_aside += other.set_aside;
  late += other.late;
  parts += other.parts;
  bytes += other.bytes;
  return *this;
}

Result<std::unique_ptr<ExportLedger>> ExportLedger::open(const std::filesystem::path& file) {
  VALETKEY_TRY(auto database, Database::open(file, Database::Mode::read_write));
  VALETKEY_CHECK(database->execute(kTables));
  return std::unique_ptr<ExportLedger>(new ExportLedger(std::move(database)));
}

Result<std::uint64_t> ExportLedger::consumed(unsigned log_partition) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT consumed FROM export_position "
                                                   "WHERE log_partition = ?"));
  VALETKEY_TRY(const bool there, query.bind(log_partition).step());
  return there ? as_unsigned(query.integer(0)) : 0;
}

Result<std::uint64_t> ExportLedger::floor(unsigned log_partition) {
  VALETKEY_TRY(const auto done, consumed(log_partition));
  VALETKEY_TRY(const auto batch, unfinished(log_partition));
  return batch ? std::max(done, batch->next) : done;
}

Result<std::optional<ExportBatch>> ExportLedger::unfinished(unsigned log_partition) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT id, first, next, open_day FROM export_batch "
                                  "WHERE log_partition = ?"));
  VALETKEY_TRY(const bool there, query.bind(log_partition).step());
  if (!there) return std::nullopt;
  return ExportBatch{std::string(query.text(0)), log_partition, as_unsigned(query.integer(1)),
                     as_unsigned(query.integer(2)), day_of(query.integer(3))};
}

Result<ExportBatch> ExportLedger::begin(unsigned log_partition, std::uint64_t first,
                                        std::uint64_t next) {
  VALETKEY_TRY(const auto closed, closed_through());
  const std::lock_guard guard(mutex_);
  ExportBatch batch{make_uuid(), log_partition, first, next,
                    closed ? *closed + std::chrono::days(1) : Date()};
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_batch VALUES (?, ?, ?, ?, ?)"));
  VALETKEY_CHECK(query
                     .bind(log_partition, batch.id, as_signed(first), as_signed(next),
                           number_of(batch.open_day))
                     .run());
  return batch;
}

Result<void> ExportLedger::add_counts(const std::string& account, const ExportCounts& counts) {
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

Result<void> ExportLedger::add_seen(const std::vector<SeenFile>& seen) {
  for (const auto& file : seen) {
    VALETKEY_TRY(Statement query,
                 database_->prepare("INSERT OR REPLACE INTO export_seen VALUES (?, ?, ?)"));
    VALETKEY_CHECK(query.bind(file.key, number_of(file.day), as_signed(file.uuids)).run());
  }
  return {};
}

Result<void> ExportLedger::add_excess(const ExportExcess& excess, Timestamp now) {
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

Result<ExportExcess> ExportLedger::excess() {
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

Result<void> ExportLedger::finish(const ExportBatch& batch, const ExportResult& result,
                                  Timestamp now) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  VALETKEY_TRY(Statement gone,
               database_->prepare("DELETE FROM export_batch WHERE log_partition = ? AND id = ?"));
  VALETKEY_CHECK(gone.bind(batch.log_partition, batch.id).run());
  if (database_->changes() != 1)
    return fail(ErrorCode::busy, "another exporter has finished this batch; run one at a time");
  VALETKEY_TRY(Statement position,
               database_->prepare("INSERT OR REPLACE INTO export_position VALUES (?, ?, ?)"));
  VALETKEY_CHECK(position.bind(batch.log_partition, as_signed(batch.next), epoch_ms(now)).run());
  VALETKEY_CHECK(add_seen(result.seen));
  for (const auto& [account, each] : result.counts) VALETKEY_CHECK(add_counts(account, each));
  VALETKEY_CHECK(add_losses(kAddDropped, result.dropped));
  VALETKEY_CHECK(add_excess(result.excess, now));
  return transaction.commit();
}

Result<std::vector<SeenFile>> ExportLedger::seen() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT key, day, uuids FROM export_seen ORDER BY day, key"));
  std::vector<SeenFile> files;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return files;
    files.push_back(
        {std::string(query.text(0)), day_of(query.integer(1)), as_unsigned(query.integer(2))});
  }
}

Result<void> ExportLedger::replace_seen(const std::vector<std::string>& gone,
                                        const std::vector<SeenFile>& added) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  for (const auto& key : gone) {
    VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_seen WHERE key = ?"));
    VALETKEY_CHECK(query.bind(key).run());
  }
  VALETKEY_CHECK(add_seen(added));
  return transaction.commit();
}

Result<std::optional<Date>> ExportLedger::closed_through() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT closed_through FROM export_day"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return day_of(query.integer(0));
}

Result<void> ExportLedger::close_day(Date day) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT INTO export_day VALUES (1, ?) ON CONFLICT DO UPDATE SET "
                                  "closed_through = max(closed_through, excluded.closed_through)"));
  return query.bind(number_of(day)).run();
}

Result<std::map<std::string, ExportCounts>> ExportLedger::counts() {
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

IntakeLosses& IntakeLosses::operator+=(const IntakeLosses& later) {
  for (const auto& [mine, theirs] :
       {std::pair(&dropped, &later.dropped), std::pair(&altered, &later.altered)})
    for (const auto& [account, reasons] : *theirs)
      for (const auto& [reason, count] : reasons) (*mine)[account][reason] += count;
  unknown_events += later.unknown_events;
  if (later.unknown_events > 0) last_unknown = later.last_unknown;
  return *this;
}

Result<void> ExportLedger::add_losses(const char* insert, const LossCounts& counts) {
  for (const auto& [account, reasons] : counts)
    for (const auto& [reason, count] : reasons) {
      VALETKEY_TRY(Statement query, database_->prepare(insert));
      VALETKEY_CHECK(query.bind(account, reason, as_signed(count)).run());
    }
  return {};
}

Result<void> ExportLedger::add_losses(const IntakeLosses& losses) {
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

Result<LossCounts> ExportLedger::read_losses(const char* select) {
  VALETKEY_TRY(Statement query, database_->prepare(select));
  LossCounts counts;
  while (true) {
    VALETKEY_TRY(const bool row, query.step());
    if (!row) return counts;
    counts[std::string(query.text(0))][std::string(query.text(1))] = as_unsigned(query.integer(2));
  }
}

Result<IntakeLosses> ExportLedger::losses() {
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

Result<std::optional<Timestamp>> ExportLedger::last_finished() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query, database_->prepare("SELECT max(finished) FROM export_position"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there || query.is_null(0)) return std::nullopt;
  return from_epoch_ms(query.integer(0));
}

Result<void> ExportLedger::request_run(Timestamp now) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_request VALUES (1, ?)"));
  return query.bind(epoch_ms(now)).run();
}

Result<bool> ExportLedger::take_request() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(const auto asked, database_->read_integer("SELECT count(*) FROM export_request"));
  if (asked == 0) return false;
  VALETKEY_TRY(Statement query, database_->prepare("DELETE FROM export_request"));
  VALETKEY_CHECK(query.run());
  return true;
}

Result<void> ExportLedger::note_failure(Timestamp began, const std::string& why) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_failure VALUES (1, ?, ?)"));
  return query.bind(epoch_ms(began), why).run();
}

Result<std::optional<std::string>> ExportLedger::failed_since(Timestamp asked) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT why FROM export_failure WHERE began >= ?"));
  VALETKEY_TRY(const bool there, query.bind(epoch_ms(asked)).step());
  if (!there) return std::nullopt;
  return std::string(query.text(0));
}

Result<std::int64_t> ExportLedger::request_erasure(const std::string& account,
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

Result<std::optional<Erasure>> ExportLedger::next_erasure() {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("SELECT id, account, visitor_sha256 FROM export_erasure "
                                  "WHERE rows IS NULL ORDER BY id LIMIT 1"));
  VALETKEY_TRY(const bool there, query.step());
  if (!there) return std::nullopt;
  return Erasure{query.integer(0), std::string(query.text(1)), std::string(query.text(2))};
}

Result<void> ExportLedger::note_erased(std::int64_t id, const std::string& key,
                                       std::uint64_t rows) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Statement query,
               database_->prepare("INSERT OR REPLACE INTO export_erased (erasure, key, rows) "
                                  "VALUES (?, ?, ?)"));
  return query.bind(id, key, as_signed(rows)).run();
}

Result<void> ExportLedger::finish_erasure(std::int64_t id,
                                          const std::vector<std::string>& unreadable) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  for (const auto& key : unreadable) {
    VALETKEY_TRY(Statement query,
                 database_->prepare("INSERT OR IGNORE INTO export_erased (erasure, key) "
                                    "VALUES (?, ?)"));
    VALETKEY_CHECK(query.bind(id, key).run());
  }
  VALETKEY_TRY(Statement query,
               database_->prepare("UPDATE export_erasure SET rows = (SELECT "
                                  "coalesce(sum(rows), 0) FROM export_erased WHERE "
                                  "erasure = export_erasure.id) WHERE id = ?"));
  VALETKEY_CHECK(query.bind(id).run());
  return transaction.commit();
}

Result<std::optional<ErasureResult>> ExportLedger::erased(std::int64_t id) {
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

Result<void> ExportLedger::forget_account(const std::string& account, std::int64_t but_erasure) {
  const std::lock_guard guard(mutex_);
  VALETKEY_TRY(Transaction transaction, Transaction::begin(*database_));
  for (const char* sql : {"DELETE FROM export_count WHERE account = ?",
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
