// SPDX-License-Identifier: Apache-2.0
#include "storage/index.h"

#include "storage/index_schema.h"

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

}  // namespace valetkey::storage
