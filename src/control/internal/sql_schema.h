// SPDX-License-Identifier: Apache-2.0
// The tables of control.db, and of a PostgreSQL in its place, and their history. docs/formats.md, "Control store".
#pragma once

#include <filesystem>

#include "postgres/database.h"
#include "sqlite/database.h"

namespace valetkey::control {

inline constexpr std::int64_t kApplicationId = 0x564b4354;  // "VKCT"

// Looks at the format, changing nothing: `unavailable` if a newer program wrote it, `corrupt` if
// the file is not a control store. 0 for a file that is still empty.
Result<std::int64_t> read_format(sqlite::Database& database, const std::filesystem::path& file);

// Brings the file to the newest format, in one transaction. Safe to race with itself.
Result<void> migrate(sqlite::Database& database, const std::filesystem::path& file);

Result<void> migrate(postgres::Server& server);

}  // namespace valetkey::control
