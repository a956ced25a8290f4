// SPDX-License-Identifier: Apache-2.0
// What the index knows of the rows of parts, in objects.db: a row of `part_statistics` for each row of `objects` that is
// a part. SQLite's triggers keep them in step, also where an older program changes `objects`: its parts count as unread.
// Table: docs/formats.md, "Object index".
#pragma once

#include <optional>
#include <string_view>

#include "layout/part_statistics.h"
#include "sqlite/database.h"
#include "storage/object_id.h"

namespace valetkey::storage {

// Makes tables and triggers where they are missing; all parts that there are count as unread. Inside a transaction.
Result<void> prepare_parts(sqlite::Database& database);
// Of the part whose row of `objects` was just written.
Result<void> keep_statistics(sqlite::Database& database, std::string_view key, const ObjectId& id,
                             const layout::PartStatistics& statistics);
// Listings of the account as of generations before this one are refused.
Result<void> raise_oldest(sqlite::Database& database, std::string_view account,
                          std::int64_t generation);
// The oldest generation that may be listed of what lies below this prefix; 0: any.
Result<std::uint64_t> read_oldest(sqlite::Database& database, std::string_view prefix);

}  // namespace valetkey::storage
