// SPDX-License-Identifier: Apache-2.0
// The tables of objects.db, their version, and rows read from and written to them.
// Byte by byte: docs/formats.md, "Object index".
#pragma once

#include <string_view>

#include "base/result.h"
#include "sqlite/database.h"
#include "storage/index.h"

namespace valetkey::storage {

using sqlite::Blob;
using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

// The columns of a listing, in the order that read_info() takes; read_row() needs those behind,
// too.
#define VALETKEY_INFO_COLUMNS "key, size, md5, crc32, modified, rows"
#define VALETKEY_ROW_COLUMNS VALETKEY_INFO_COLUMNS ", id, object_key, data_key, readable_until"

// Makes the tables in an empty file; refuses foreign files, newer formats and another bucket.
Result<void> prepare_schema(Database& database, std::string_view name, std::string_view bucket);
// The refusals alone, but for the bucket.
Result<void> check_schema(Database& database, std::string_view name);
// `corrupt` if a column has another length than the format says.
Result<ObjectInfo> read_info(const Statement& row);
Result<IndexRow> read_row(const Statement& row);
Result<IndexState> read_index_state(Database& database);
// `not_found`: what lies below the prefix may not be listed as of that generation.
Result<void> check_generation(Database& database, std::string_view prefix,
                              std::uint64_t generation);
// The first text behind all that begin with `prefix`; empty: there is none.
std::string behind(std::string prefix);

}  // namespace valetkey::storage
