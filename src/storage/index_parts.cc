// SPDX-License-Identifier: Apache-2.0
#include "storage/internal/index_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "layout/part_key.h"
#include "storage/index.h"
#include "storage/index_schema.h"
#include "storage/internal/index_sums.h"

namespace valetkey::storage {
namespace {

// `state` of a part.
enum class State : std::int64_t { ready, unread, unreadable, not_microseconds };

// Two statements in place of INSERT OR REPLACE, which an upsert that fires the trigger would turn into a refusal. The
// partial index holds what is to be done, so that it is found at once among a million parts.
constexpr const char* kTables = R"(
CREATE TABLE part_statistics (
  key TEXT NOT NULL COLLATE BINARY PRIMARY KEY,
  id BLOB NOT NULL,
  state INTEGER NOT NULL,
  statistics BLOB
) WITHOUT ROWID;
INSERT INTO part_statistics SELECT key, id, 1, NULL FROM objects
  WHERE substr(key, -8) = '.parquet';
CREATE INDEX part_statistics_left ON part_statistics(state, key) WHERE state > 0;
CREATE TRIGGER statistics_insert AFTER INSERT ON objects WHEN substr(new.key, -8) = '.parquet'
BEGIN
  DELETE FROM part_statistics WHERE key = new.key;
  INSERT INTO part_statistics VALUES (new.key, new.id, 1, NULL);
END;
CREATE TRIGGER statistics_update AFTER UPDATE OF id ON objects
WHEN substr(new.key, -8) = '.parquet' AND new.id <> old.id
BEGIN
  DELETE FROM part_statistics WHERE key = new.key;
  INSERT INTO part_statistics VALUES (new.key, new.id, 1, NULL);
END;
CREATE TRIGGER statistics_delete AFTER DELETE ON objects WHEN substr(old.key, -8) = '.parquet'
BEGIN
  DELETE FROM part_statistics WHERE key = old.key;
END;
CREATE TABLE erased_account (
  account TEXT NOT NULL PRIMARY KEY,
  generation INTEGER NOT NULL
) WITHOUT ROWID;
)";

// Of a part that no listing shows any more nothing is left to do, so the partial index is as short as what is. The
// update is for a folder of a release that kept it there.
constexpr const char* kUnlisting = R"(
CREATE TRIGGER statistics_unlist AFTER UPDATE OF unlisted ON objects
WHEN new.unlisted IS NOT NULL AND substr(new.key, -8) = '.parquet'
BEGIN
  UPDATE part_statistics SET state = 0 WHERE key = new.key AND state > 1;
END;
UPDATE part_statistics SET state = 0 WHERE state > 0 AND state > 1
  AND (SELECT unlisted FROM objects AS o WHERE o.key = part_statistics.key) IS NOT NULL;
)";

State state_of(const layout::PartStatistics& statistics) {
  const bool ready = statistics.timestamps == layout::TimestampUnit::microseconds ||
                     statistics.timestamps == layout::TimestampUnit::none;
  return ready ? State::ready : State::not_microseconds;
}

// The first part of the account that is listed and in this state; empty: there is none.
Result<std::string> first_in(Database& database, State state, const std::string& from,
                             const std::string& end) {
  VALETKEY_TRY(Statement row,
               database.prepare("SELECT p.key FROM part_statistics AS p JOIN objects AS o"
                                " ON o.key = p.key AND o.unlisted IS NULL"
                                " WHERE p.state > 0 AND p.state = ? AND p.key >= ? AND p.key < ?"
                                " ORDER BY p.key LIMIT 1"));
  VALETKEY_TRY(const bool there, row.bind(static_cast<std::int64_t>(state), from, end).step());
  return there ? std::string(row.text(0)) : std::string();
}

Result<std::vector<ObjectInfo>> read_infos(Statement& rows) {
  std::vector<ObjectInfo> found;
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return found;
    VALETKEY_TRY(ObjectInfo info, read_info(rows));
    found.push_back(std::move(info));
  }
}

Result<std::vector<CatalogDay>> read_days(Database& database, const std::string& from,
                                          const std::string& end) {
  VALETKEY_TRY(Statement rows,
               database.prepare("SELECT day, parts, rows, bytes, changed FROM day_sums"
                                " WHERE day >= ? AND day < ? AND parts > 0"
                                " ORDER BY day"));
  rows.bind(from, end);
  std::vector<CatalogDay> days;
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return days;
    const auto day = layout::DayKey::containing(rows.text(0));
    if (!day) continue;
    days.push_back({day->folder, static_cast<std::uint64_t>(rows.integer(1)),
                    static_cast<std::uint64_t>(rows.integer(2)),
                    static_cast<std::uint64_t>(rows.integer(3)),
                    static_cast<std::uint64_t>(rows.integer(4))});
  }
}

// Nothing where the object was replaced or removed meanwhile.
Result<void> keep_read(Database& database, const ReadPart& part) {
  VALETKEY_TRY(const std::string md5, unhex(part.etag));
  const auto state = part.statistics ? state_of(*part.statistics) : State::unreadable;
  std::optional<std::string> bytes;
  if (part.statistics) bytes = layout::encode(*part.statistics);
  std::optional<Blob> blob;
  if (bytes) blob = Blob{*bytes};
  VALETKEY_TRY(Statement update,
               database.prepare("UPDATE part_statistics SET statistics = ?2, state = iif("
                                " (SELECT unlisted FROM objects WHERE key = ?3) IS NULL, ?1, 0)"
                                " WHERE key = ?3 AND state = 1 AND id ="
                                " (SELECT id FROM objects WHERE key = ?3 AND md5 = ?4)"));
  return update.bind(static_cast<std::int64_t>(state), blob, part.key, Blob{md5}).run();
}

}  // namespace

Result<void> prepare_parts(Database& database) {
  const auto has = [&](std::string_view name) {
    return database.read_integer(
        fmt::format("SELECT count(*) FROM sqlite_schema WHERE name = '{}'", name));
  };
  VALETKEY_TRY(const auto tables, has("part_statistics"));
  if (tables == 0) VALETKEY_CHECK(database.execute(kTables));
  VALETKEY_TRY(const auto settles, has("statistics_unlist"));
  return settles > 0 ? Result<void>() : database.execute(kUnlisting);
}

Result<void> keep_statistics(Database& database, std::string_view key, const ObjectId& id,
                             const layout::PartStatistics& statistics) {
  VALETKEY_TRY(Statement update, database.prepare("UPDATE part_statistics SET state = ?,"
                                                  " statistics = ? WHERE key = ? AND id = ?"));
  const auto bytes = layout::encode(statistics);
  return update
      .bind(static_cast<std::int64_t>(state_of(statistics)), Blob{bytes}, key, Blob{id.raw()})
      .run();
}

Result<void> raise_oldest(Database& database, std::string_view account, std::int64_t generation) {
  VALETKEY_TRY(Statement raise, database.prepare("INSERT OR REPLACE INTO erased_account"
                                                 " VALUES (?, ?)"));
  return raise.bind(account, generation).run();
}

Result<std::uint64_t> read_oldest(Database& database, std::string_view prefix) {
  const auto account = layout::account_in(prefix);
  if (!account) return std::uint64_t{0};
  VALETKEY_TRY(Statement row,
               database.prepare("SELECT generation FROM erased_account WHERE account = ?"));
  VALETKEY_TRY(const bool there, row.bind(account->str()).step());
  return there ? static_cast<std::uint64_t>(row.integer(0)) : std::uint64_t{0};
}

Result<Catalog> Index::catalog(const AccountId& account) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const Transaction reading, Transaction::begin(*database, Transaction::Kind::read));
  VALETKEY_TRY(const IndexState state, read_index_state(*database));
  const std::string prefix = layout::account_prefix(account);
  const std::string end = behind(prefix);
  Catalog catalog;
  catalog.generation = state.generation;
  VALETKEY_TRY(const auto erased, read_oldest(*database, prefix));
  catalog.oldest_generation = std::max(state.oldest_generation, erased);
  VALETKEY_TRY(catalog.days, read_days(*database, prefix, end));
  return catalog;
}

Result<UnreadyParts> Index::unready_parts(const AccountId& account, layout::RowType type) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const Transaction reading, Transaction::begin(*database, Transaction::Kind::read));
  const std::string prefix = layout::type_prefix(account, type);
  const std::string end = behind(prefix);
  UnreadyParts parts;
  VALETKEY_TRY(parts.unread, first_in(*database, State::unread, prefix, end));
  VALETKEY_TRY(parts.unreadable, first_in(*database, State::unreadable, prefix, end));
  VALETKEY_TRY(parts.milliseconds, first_in(*database, State::not_microseconds, prefix, end));
  return parts;
}

Result<CatalogPage> Index::list_parts(const AccountId& account, const std::string& prefix,
                                      const std::string& after, std::size_t limit,
                                      std::uint64_t generation) {
  if (!prefix.starts_with(layout::account_prefix(account)) || !prefix.ends_with('/'))
    return fail(ErrorCode::invalid, prefix + " is no folder of account " + account.str());
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const Transaction reading, Transaction::begin(*database, Transaction::Kind::read));
  VALETKEY_CHECK(check_generation(*database, prefix, generation));
  VALETKEY_TRY(Statement rows,
               database->prepare("SELECT o.key, size, md5, crc32, modified, rows, statistics"
                                 " FROM objects AS o LEFT JOIN part_statistics AS p"
                                 " ON p.key = o.key AND p.id = o.id"
                                 " WHERE o.key > ?1 AND o.key < ?2 AND added <= ?3"
                                 " AND (unlisted IS NULL OR unlisted > ?3)"
                                 " AND substr(o.key, -8) = '.parquet' ORDER BY o.key LIMIT ?4"));
  const auto end = behind(prefix);
  // One bound: SQLite seeks by one of two, and would read all pages before. `prefix` is no part.
  rows.bind(std::max(prefix, after), end, static_cast<std::int64_t>(generation),
            static_cast<std::int64_t>(limit) + 1);
  CatalogPage page;
  page.parts.reserve(std::min<std::size_t>(limit, 1'000));
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return page;
    if (page.parts.size() == limit) {
      page.truncated = true;
      return page;
    }
    VALETKEY_TRY(ObjectInfo info, read_info(rows));
    CatalogPart part{std::move(info), std::nullopt};
    if (!rows.is_null(6)) {
      VALETKEY_TRY(part.statistics, layout::decode_part_statistics(rows.text(6)));
    }
    page.parts.push_back(std::move(part));
  }
}

Result<std::vector<ObjectInfo>> Index::unread_parts(std::size_t limit) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Statement rows,
               database->prepare("SELECT o.key, size, md5, crc32, modified, rows"
                                 " FROM part_statistics AS p JOIN objects AS o ON o.key = p.key"
                                 " WHERE p.state > 0 AND p.state = 1 ORDER BY p.key LIMIT ?"));
  rows.bind(static_cast<std::int64_t>(limit));
  return read_infos(rows);
}

Result<std::vector<ObjectInfo>> Index::parts_without_microseconds(const std::string& after,
                                                                  std::size_t limit) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Statement rows,
               database->prepare("SELECT o.key, size, md5, crc32, modified, rows"
                                 " FROM part_statistics AS p JOIN objects AS o"
                                 " ON o.key = p.key AND o.unlisted IS NULL WHERE p.state > 0"
                                 " AND p.state = 3 AND p.key > ? ORDER BY p.key LIMIT ?"));
  rows.bind(after, static_cast<std::int64_t>(limit));
  return read_infos(rows);
}

Result<std::uint64_t> Index::count_without_microseconds() {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const auto count,
               database->read_integer("SELECT count(*) FROM part_statistics AS p JOIN objects AS o"
                                      " ON o.key = p.key AND o.unlisted IS NULL"
                                      " WHERE p.state > 0 AND p.state = 3"));
  return static_cast<std::uint64_t>(count);
}

Result<std::uint64_t> Index::describe(const std::vector<ReadPart>& parts) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database));
  VALETKEY_TRY(const IndexState state, read_index_state(*database));
  const std::uint64_t generation = state.generation + 1;
  for (const ReadPart& part : parts) {
    VALETKEY_CHECK(keep_read(*database, part));
    const auto day = layout::DayKey::containing(part.key);
    if (!day) continue;
    VALETKEY_TRY(Statement change,
                 database->prepare("UPDATE day_sums SET changed = ? WHERE day = ?"));
    VALETKEY_CHECK(change.bind(static_cast<std::int64_t>(generation), day->str()).run());
  }
  VALETKEY_TRY(Statement raise, database->prepare("UPDATE state SET generation = ?"));
  VALETKEY_CHECK(raise.bind(static_cast<std::int64_t>(generation)).run());
  VALETKEY_CHECK(writing.commit());
  return generation;
}

}  // namespace valetkey::storage
