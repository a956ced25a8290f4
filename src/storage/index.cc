// SPDX-License-Identifier: Apache-2.0
#include "storage/index.h"

#include <algorithm>

#include "base/encoding.h"
#include "storage/index_schema.h"
#include "storage/internal/index_parts.h"

namespace valetkey::storage {

Result<std::unique_ptr<Index>> Index::open(const std::filesystem::path& path,
                                           std::string_view bucket) {
  std::unique_ptr<Index> index(new Index(path));
  VALETKEY_TRY(index->watch_, Database::open(path, Database::Mode::create));
  VALETKEY_CHECK(index->watch_->use_write_ahead_log());
  VALETKEY_CHECK(prepare_schema(*index->watch_, path.string(), bucket));
  return index;
}

Result<std::unique_ptr<Index>> Index::open_copy(const std::filesystem::path& path) {
  std::unique_ptr<Index> index(new Index(path));
  VALETKEY_TRY(index->watch_, Database::open(path, Database::Mode::read_write));
  VALETKEY_CHECK(index->watch_->use_write_ahead_log());
  VALETKEY_CHECK(check_schema(*index->watch_, path.string()));
  return index;
}

Result<void> Index::settle_for_rest() {
  pool_.close_idle();
  const std::lock_guard lock(watch_mutex_);
  return watch_->execute("PRAGMA journal_mode = DELETE");
}

Result<IndexState> Index::read_state() {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  return read_index_state(*database);
}

Result<std::int64_t> Index::read_data_version() {
  const std::lock_guard lock(watch_mutex_);
  return watch_->read_integer("PRAGMA data_version");
}

Result<std::optional<IndexRow>> Index::find(std::string_view key, Timestamp now) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Statement row,
               database->prepare("SELECT " VALETKEY_ROW_COLUMNS " FROM objects WHERE key = ?"));
  VALETKEY_TRY(const bool there, row.bind(key).step());
  if (!there) return std::nullopt;
  VALETKEY_TRY(IndexRow found, read_row(row));
  if (found.readable_until && *found.readable_until <= now) return std::nullopt;
  return found;
}

namespace {

// One change under way: what it took out, and what it did to the totals.
struct Work {
  Database& database;
  std::int64_t generation;
  std::vector<FormerObject> former;
  std::int64_t objects = 0;
  std::int64_t bytes = 0;
};

// Notes that the row of `key`, if there is one, goes.
Result<void> note_former(Work& work, std::string_view key) {
  VALETKEY_TRY(Statement row, work.database.prepare("SELECT id, size FROM objects WHERE key = ?"));
  VALETKEY_TRY(const bool there, row.bind(key).step());
  if (!there) return {};
  VALETKEY_TRY(const ObjectId id, ObjectId::from_bytes(row.text(0)));
  work.former.push_back({std::string(key), id});
  work.objects -= 1;
  work.bytes -= row.integer(1);
  return {};
}

// A replaced key keeps its place in the listings of earlier generations; one that was unlisted is
// new.
Result<void> add_row(Work& work, const IndexRow& row) {
  VALETKEY_CHECK(note_former(work, row.info.key));
  VALETKEY_TRY(const std::string md5, unhex(row.info.etag));
  VALETKEY_TRY(
      Statement insert,
      work.database.prepare(
          "INSERT INTO objects (key, added, modified, size, rows, crc32, md5, id, object_key, "
          "data_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
          "added = iif(unlisted IS NULL, added, excluded.added), unlisted = NULL, "
          "readable_until = NULL, modified = excluded.modified, size = excluded.size, "
          "rows = excluded.rows, crc32 = excluded.crc32, md5 = excluded.md5, id = excluded.id, "
          "object_key = excluded.object_key, data_key = excluded.data_key"));
  std::optional<std::int64_t> rows;
  if (row.info.rows) rows = static_cast<std::int64_t>(*row.info.rows);
  insert.bind(row.info.key, work.generation, epoch_ms(row.info.modified),
              static_cast<std::int64_t>(row.info.size), rows, row.info.crc32, Blob{md5},
              Blob{row.id.raw()}, row.data_key.key_id, Blob{row.data_key.bytes});
  work.objects += 1;
  work.bytes += static_cast<std::int64_t>(row.info.size);
  VALETKEY_CHECK(insert.run());
  if (!row.statistics) return {};
  return keep_statistics(work.database, row.info.key, row.id, *row.statistics);
}

Result<void> remove_row(Work& work, std::string_view key) {
  VALETKEY_CHECK(note_former(work, key));
  VALETKEY_TRY(Statement remove, work.database.prepare("DELETE FROM objects WHERE key = ?"));
  return remove.bind(key).run();
}

Result<void> unlist_row(Work& work, std::string_view key, Timestamp readable_until) {
  VALETKEY_TRY(Statement unlist,
               work.database.prepare("UPDATE objects SET unlisted = ?, readable_until "
                                     "= ? WHERE key = ? AND unlisted IS NULL"));
  return unlist.bind(work.generation, epoch_ms(readable_until), key).run();
}

Result<void> save_state(Work& work, std::uint64_t oldest) {
  VALETKEY_TRY(Statement state,
               work.database.prepare("UPDATE state SET generation = ?, oldest_generation = "
                                     "max(oldest_generation, ?), objects = objects + ?, bytes = "
                                     "bytes + ?"));
  return state.bind(work.generation, static_cast<std::int64_t>(oldest), work.objects, work.bytes)
      .run();
}

Result<void> apply(Work& work, const IndexChange& change) {
  for (const auto& key : change.remove) VALETKEY_CHECK(remove_row(work, key));
  for (const auto& key : change.unlist)
    VALETKEY_CHECK(unlist_row(work, key, change.readable_until));
  for (const auto& row : change.add) VALETKEY_CHECK(add_row(work, row));
  if (!change.erases_of.empty())
    VALETKEY_CHECK(raise_oldest(work.database, change.erases_of, work.generation));
  return save_state(work, 0);
}

}  // namespace

Result<CommitResult> Index::commit(const IndexChange& change, const BeforeCommit& before,
                                   bool& undecided) {
  undecided = false;
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database));
  VALETKEY_TRY(const IndexState state, read_index_state(*database));
  Work work{*database, static_cast<std::int64_t>(state.generation) + 1, {}};
  VALETKEY_CHECK(apply(work, change));
  VALETKEY_CHECK(before(work.former));
  undecided = true;
  VALETKEY_CHECK(writing.commit());
  undecided = false;
  return CommitResult{state.generation + 1, std::move(work.former)};
}

Result<CommitResult> Index::sweep(Timestamp now, std::size_t limit, const BeforeCommit& before) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database));
  VALETKEY_TRY(const IndexState state, read_index_state(*database));
  std::vector<std::string> keys;
  std::uint64_t oldest = 0;
  {
    VALETKEY_TRY(Statement due,
                 database->prepare("SELECT key, unlisted FROM objects WHERE "
                                   "readable_until <= ? ORDER BY readable_until LIMIT ?"));
    due.bind(epoch_ms(now), static_cast<std::int64_t>(limit));
    while (true) {
      VALETKEY_TRY(const bool more, due.step());
      if (!more) break;
      keys.emplace_back(due.text(0));
      oldest = std::max(oldest, static_cast<std::uint64_t>(due.integer(1)));
    }
  }
  if (keys.empty()) return CommitResult{state.generation, {}};
  // Nothing that is listed changes, so the generation stays.
  Work work{*database, static_cast<std::int64_t>(state.generation), {}};
  for (const auto& key : keys) VALETKEY_CHECK(remove_row(work, key));
  VALETKEY_CHECK(save_state(work, oldest));
  VALETKEY_CHECK(before(work.former));
  VALETKEY_CHECK(writing.commit());
  return CommitResult{state.generation, std::move(work.former)};
}

}  // namespace valetkey::storage
