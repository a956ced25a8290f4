// SPDX-License-Identifier: Apache-2.0
#include "storage/index_schema.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "storage/internal/index_parts.h"
#include "storage/internal/index_sums.h"

namespace valetkey::storage {
namespace {

constexpr std::int64_t kApplicationId = 0x564B4F42;  // "VKOB"
constexpr std::int64_t kFormat = 1;

// WITHOUT ROWID: the row lies in key order, so a page of a listing is one walk. BINARY compares
// bytes, and the order of UTF-8 bytes is S3's.
constexpr const char* kTables = R"(
CREATE TABLE objects (
  key TEXT NOT NULL COLLATE BINARY PRIMARY KEY,
  added INTEGER NOT NULL,
  unlisted INTEGER,
  readable_until INTEGER,
  modified INTEGER NOT NULL,
  size INTEGER NOT NULL,
  rows INTEGER,
  crc32 INTEGER NOT NULL,
  md5 BLOB NOT NULL,
  id BLOB NOT NULL,
  object_key INTEGER NOT NULL,
  data_key BLOB NOT NULL,
  CHECK (length(md5) = 16 AND length(id) = 16 AND length(data_key) = 60),
  CHECK ((unlisted IS NULL) = (readable_until IS NULL))
) WITHOUT ROWID;
CREATE INDEX objects_unlisted ON objects(readable_until) WHERE readable_until IS NOT NULL;
CREATE TABLE state (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  bucket TEXT NOT NULL,
  generation INTEGER NOT NULL,
  oldest_generation INTEGER NOT NULL,
  objects INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
PRAGMA application_id = 1447776066;
PRAGMA user_version = 1;
)";

Result<void> make_tables(Database& database, std::string_view bucket) {
  VALETKEY_CHECK(database.execute(kTables));
  VALETKEY_TRY(Statement state, database.prepare("INSERT INTO state VALUES (1, ?, 1, 1, 0, 0)"));
  return state.bind(bucket).run();
}

Result<void> check_bucket(Database& database, std::string_view name, std::string_view bucket) {
  VALETKEY_TRY(Statement state, database.prepare("SELECT bucket FROM state"));
  VALETKEY_TRY(const bool there, state.step());
  if (there && state.text(0) == bucket) return {};
  return fail(
      ErrorCode::invalid,
      fmt::format("{} holds bucket {}, not {}: set [s3] bucket to the name it was made with", name,
                  there ? state.text(0) : "of no name", bucket));
}

std::unexpected<Error> damaged(std::string_view key) {
  return fail(ErrorCode::corrupt,
              fmt::format("the index row of object {} is damaged: restore a backup", key));
}

}  // namespace

Result<void> prepare_schema(Database& database, std::string_view name, std::string_view bucket) {
  static_assert(kApplicationId == 1447776066);
  VALETKEY_TRY(Transaction making, Transaction::begin(database));
  VALETKEY_TRY(const auto tables, database.read_integer("SELECT count(*) FROM sqlite_schema"));
  if (tables == 0) {
    VALETKEY_CHECK(make_tables(database, bucket));
  } else {
    VALETKEY_CHECK(check_schema(database, name));
    VALETKEY_CHECK(check_bucket(database, name, bucket));
  }
  VALETKEY_CHECK(prepare_sums(database));
  VALETKEY_CHECK(prepare_parts(database));
  return making.commit();
}

Result<void> check_schema(Database& database, std::string_view name) {
  VALETKEY_TRY(const auto application, database.read_integer("PRAGMA application_id"));
  if (application != kApplicationId)
    return fail(ErrorCode::invalid, fmt::format("{} is not an object index of Valetkey", name));
  VALETKEY_TRY(const auto format, database.read_integer("PRAGMA user_version"));
  if (format > kFormat)
    return fail(ErrorCode::invalid,
                fmt::format("{} has format {}, this program knows up to {}: use a newer valetkeyd",
                            name, format, kFormat));
  return {};
}

Result<ObjectInfo> read_info(const Statement& row) {
  const std::string_view md5 = row.text(2);
  if (md5.size() != 16 || row.integer(1) < 0) return damaged(row.text(0));
  ObjectInfo info;
  info.key = row.text(0);
  info.size = static_cast<std::uint64_t>(row.integer(1));
  info.etag = hex(md5);
  info.crc32 = static_cast<std::uint32_t>(row.integer(3));
  info.modified = from_epoch_ms(row.integer(4));
  if (!row.is_null(5)) info.rows = static_cast<std::uint64_t>(row.integer(5));
  return info;
}

Result<IndexRow> read_row(const Statement& row) {
  IndexRow read;
  VALETKEY_TRY(read.info, read_info(row));
  const auto id = ObjectId::from_bytes(row.text(6));
  if (!id || row.text(8).size() != kWrappedKeyBytes) return damaged(row.text(0));
  read.id = *id;
  read.data_key = {static_cast<std::uint32_t>(row.integer(7)), std::string(row.text(8))};
  if (!row.is_null(9)) read.readable_until = from_epoch_ms(row.integer(9));
  return read;
}

Result<IndexState> read_index_state(Database& database) {
  VALETKEY_TRY(Statement state,
               database.prepare("SELECT generation, oldest_generation, objects, bytes "
                                "FROM state"));
  VALETKEY_TRY(const bool there, state.step());
  if (!there) return fail(ErrorCode::corrupt, "objects.db has no state row: restore a backup");
  return IndexState{
      static_cast<std::uint64_t>(state.integer(0)), static_cast<std::uint64_t>(state.integer(1)),
      static_cast<std::uint64_t>(state.integer(2)), static_cast<std::uint64_t>(state.integer(3))};
}

}  // namespace valetkey::storage
