// SPDX-License-Identifier: Apache-2.0
// What check, rewrap and backup ask of the index.
#include <fcntl.h>
#include <fmt/format.h>

#include "base/file.h"
#include "storage/disk_store.h"
#include "storage/index.h"
#include "storage/index_schema.h"

namespace valetkey::storage {

Result<std::vector<IndexRow>> Index::rows_after(std::string_view after, std::size_t limit) {
  VALETKEY_TRY(RowsToCheck found, rows_to_check(after, limit));
  if (!found.damaged.empty()) return fail(ErrorCode::corrupt, found.damaged.front());
  return std::move(found.rows);
}

Result<Index::RowsToCheck> Index::rows_to_check(std::string_view after, std::size_t limit) {
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(Query rows, (*database).query("SELECT " VALETKEY_ROW_COLUMNS
                                             " FROM objects WHERE key > ? ORDER BY key LIMIT ?"));
  rows.bind_text(after).bind(static_cast<std::int64_t>(limit));
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
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(Transaction writing, Transaction::begin(*database, Transaction::Kind::write));
  std::size_t changed = 0;
  for (const IndexRow& row : rows) {
    VALETKEY_TRY(Query update, (*database).query("UPDATE objects SET object_key = ?, data_key = ? "
                                                 "WHERE key = ? AND id = ?"));
    update.bind(row.data_key.key_id).bind_blob(row.data_key.bytes);
    VALETKEY_CHECK(update.bind_text(row.info.key).bind_blob(row.id.raw()).run());
    changed += static_cast<std::size_t>((*database).changes());
  }
  VALETKEY_CHECK(writing.commit());
  return changed;
}

Result<std::map<std::uint32_t, std::uint64_t>> Index::count_by_object_key() {
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(Query rows, (*database).query("SELECT object_key, count(*) FROM objects "
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
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(const Transaction lock, Transaction::begin(*database, Transaction::Kind::write));
  return look();
}

Result<void> Index::copy_to(const std::filesystem::path& to) {
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(const FileDescriptor made, open_file(to, O_RDWR | O_CREAT | O_EXCL, 0600));
  VALETKEY_TRY(Query copy, (*database).query("VACUUM INTO ?"));
  const std::string name = to.string();
  return copy.bind_text(name).run();
}

namespace {

Result<void> note_damage(Query& look, const std::string& what, std::vector<std::string>& problems) {
  const auto looked = look.step();
  if (!looked && looked.error().code != ErrorCode::corrupt) return std::unexpected(looked.error());
  if (looked && *looked && look.text(0) == "ok") return {};
  const std::string why = !looked   ? looked.error().detail
                          : *looked ? std::string(look.text(0))
                                    : "it cannot be checked";
  problems.push_back(what + " is damaged (" + why.substr(0, why.find('\n')) + ")");
  return {};
}

// Table by table, so that each damaged one is named; then what belongs to none.
Result<std::vector<std::string>> check_tables(Database& database) {
  std::vector<std::string> problems;
  VALETKEY_TRY(Query tables, database.query("SELECT name FROM sqlite_schema WHERE type = 'table'"));
  while (true) {
    VALETKEY_TRY(const bool more, tables.step());
    if (!more) break;
    const std::string table(tables.text(0));
    VALETKEY_TRY(Query look, database.query("SELECT * FROM pragma_integrity_check(?)"));
    look.bind_text(table);
    VALETKEY_CHECK(note_damage(look, "table " + table, problems));
  }
  VALETKEY_TRY(Query whole, database.query("PRAGMA integrity_check(1)"));
  if (problems.empty()) VALETKEY_CHECK(note_damage(whole, "the file", problems));
  return problems;
}

}  // namespace

Result<std::vector<std::string>> Index::check_structure() {
  VALETKEY_TRY(const Lease database, lease());
  // What single rows hold is looked at row by row, so that each bad one is named.
  VALETKEY_CHECK((*database).execute("PRAGMA ignore_check_constraints = 1"));
  auto problems = check_tables(*database);
  VALETKEY_CHECK((*database).execute("PRAGMA ignore_check_constraints = 0"));
  return problems;
}

Result<std::string> read_bucket(const std::filesystem::path& file) {
  VALETKEY_TRY(const auto database, Database::open(file, SQLITE_OPEN_READWRITE));
  VALETKEY_TRY(Query state, database->query("SELECT bucket FROM state"));
  VALETKEY_TRY(const bool there, state.step());
  if (there) return std::string(state.text(0));
  return fail(ErrorCode::corrupt, file.string() + " names no bucket");
}

}  // namespace valetkey::storage
