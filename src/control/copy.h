// SPDX-License-Identifier: Apache-2.0
// A control store of SQLite into PostgreSQL.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "postgres/database.h"

namespace valetkey::control {

using CopiedRows = std::vector<std::pair<std::string, std::uint64_t>>;  // by table

// Everything that `file` holds, compared row by row, within a transaction of `to`, whose tables are made.
// `already_exists`: it has accounts or users. The file is read, and left as it is.
Result<CopiedRows> copy_to_postgres(const std::filesystem::path& file, postgres::Database& to);

}  // namespace valetkey::control
