// SPDX-License-Identifier: Apache-2.0
#include "storage/index.h"

#include <fcntl.h>

#include "base/file.h"
#include "storage/index_schema.h"

namespace valetkey::storage {

Index::Lease::~Lease() {
  // A connection that is stuck in a transaction is closed, which rolls back.
  if (!database_ || database_->in_transaction()) return;
  const std::lock_guard lock(index_->mutex_);
  index_->idle_.push_back(std::move(database_));
}

Result<Index::Lease> Index::lease() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(database));
    }
  }
  VALETKEY_TRY(auto database, connect());
  return Lease(*this, std::move(database));
}

Result<std::unique_ptr<Database>> Index::connect() const {
  VALETKEY_TRY(auto database, Database::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  VALETKEY_CHECK(database->execute("PRAGMA journal_mode = WAL"));
  VALETKEY_CHECK(database->execute(
      "PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
      "PRAGMA journal_size_limit = 67108864"));
  return database;
}

Result<std::unique_ptr<Index>> Index::open(const std::filesystem::path& path,
                                           std::string_view bucket) {
  // SQLite would make it readable by others; its log gets the mode that the file has. Never opened
  // when it exists: closing a descriptor would drop the locks that SQLite holds on the file in this
  // process.
  if (const auto made = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
      !made && made.error().code != ErrorCode::already_exists)
    return std::unexpected(made.error());
  std::unique_ptr<Index> index(new Index(path));
  VALETKEY_TRY(index->watch_, index->connect());
  VALETKEY_CHECK(prepare_schema(*index->watch_, path.string(), bucket));
  return index;
}

Result<std::unique_ptr<Index>> Index::open_copy(const std::filesystem::path& path) {
  std::unique_ptr<Index> index(new Index(path));
  VALETKEY_TRY(index->watch_, index->connect());
  VALETKEY_CHECK(check_schema(*index->watch_, path.string()));
  return index;
}

Result<void> Index::settle_for_rest() {
  {
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }
  const std::lock_guard lock(watch_mutex_);
  return watch_->execute("PRAGMA journal_mode = DELETE");
}

Result<IndexState> Index::read_state() {
  VALETKEY_TRY(const Lease database, lease());
  return read_index_state(*database);
}

Result<std::int64_t> Index::read_data_version() {
  const std::lock_guard lock(watch_mutex_);
  return watch_->read_integer("PRAGMA data_version");
}

Result<std::optional<IndexRow>> Index::find(std::string_view key, Timestamp now) {
  VALETKEY_TRY(const Lease database, lease());
  VALETKEY_TRY(Query row,
               (*database).query("SELECT " VALETKEY_ROW_COLUMNS " FROM objects WHERE key = ?"));
  VALETKEY_TRY(const bool there, row.bind_text(key).step());
  if (!there) return std::nullopt;
  VALETKEY_TRY(IndexRow found, read_row(row));
  if (found.readable_until && *found.readable_until <= now) return std::nullopt;
  return found;
}

}  // namespace valetkey::storage
