// SPDX-License-Identifier: Apache-2.0
// What check, rewrap and backup ask of the index.
#include <algorithm>

#include "storage/disk_store.h"  // read_bucket
#include "storage/index.h"
#include "storage/index_schema.h"

namespace valetkey::storage {

Result<std::vector<IndexRow>> Index::rows_after(std::string_view after, std::size_t limit) {
  VALETKEY_TRY(RowsToCheck found, rows_to_check(after, limit));
  if (!found.damaged.empty()) return fail(ErrorCode::corrupt, found.damaged.front());
  return std::move(found.rows);
}

Result<Index::RowsToCheck> Index::rows_to_check(std::string_view after, std::size_t limit) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Statement rows,
               database->prepare("SELECT " VALETKEY_ROW_COLUMNS
                                 " FROM objects WHERE key > ? ORDER BY key LIMIT ?"));
  rows.bind(after, static_cast<std::int64_t>(limit));
  RowsToCheck found{{}, {}, std::string(after)};
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return found;
    found.last_key = std::max(found.last_key, std::string(rows.text(0)));
    auto row = read_row(rows);
    if (row)
      found.rows.push_back(std::move(*row));
    else if (row.error().code == ErrorCode::corrupt)
      found.damaged.push_back(row.error().detail);
    else
      return std::unexpected(row.error());
  }
}

Result<std::size_t> Index::rewrap(const std::vector<IndexRow>& rows) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database));
  std::size_t changed = 0;
  for (const IndexRow& row : rows) {
    VALETKEY_TRY(Statement update,
                 database->prepare("UPDATE objects SET object_key = ?, data_key = ? "
                                   "WHERE key = ? AND id = ?"));
    VALETKEY_CHECK(
        update.bind(row.data_key.key_id, Blob{row.data_key.bytes}, row.info.key, Blob{row.id.raw()})
            .run());
    changed += static_cast<std::size_t>(database->changes());
  }
  VALETKEY_CHECK(writing.commit());
  return changed;
}

Result<std::map<std::uint32_t, std::uint64_t>> Index::count_by_object_key() {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(Statement rows, database->prepare("SELECT object_key, count(*) FROM objects "
                                                 "GROUP BY object_key"));
  std::map<std::uint32_t, std::uint64_t> counts;
  while (true) {
    VALETKEY_TRY(const bool there, rows.step());
    if (!there) return counts;
    counts[static_cast<std::uint32_t>(rows.integer(0))] =
        static_cast<std::uint64_t>(rows.integer(1));
  }
}

Result<void> Index::with_writer_lock(const std::function<Result<void>()>& look) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  VALETKEY_TRY(const Transaction lock, Transaction::begin(*database));
  return look();
}

Result<void> Index::copy_to(const std::filesystem::path& to) {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  return database->copy_to(to);
}

Result<std::vector<std::string>> Index::check_structure() {
  VALETKEY_TRY(const sqlite::Pool::Lease database, pool_.take());
  // What single rows hold is looked at row by row, so that each bad one is named.
  VALETKEY_CHECK(database->execute("PRAGMA ignore_check_constraints = 1"));
  auto problems = database->check_structure();
  VALETKEY_CHECK(database->execute("PRAGMA ignore_check_constraints = 0"));
  return problems;
}

Result<std::string> read_bucket(const std::filesystem::path& file) {
  VALETKEY_TRY(const auto database, Database::open(file, Database::Mode::read_write));
  VALETKEY_TRY(Statement state, database->prepare("SELECT bucket FROM state"));
  VALETKEY_TRY(const bool there, state.step());
  if (there) return std::string(state.text(0));
  return fail(ErrorCode::corrupt, file.string() + " names no bucket");
}

}  // namespace valetkey::storage
