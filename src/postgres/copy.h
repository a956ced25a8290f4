// SPDX-License-Identifier: Apache-2.0
// Tables of another database, as they are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "postgres/database.h"

namespace valetkey::postgres {

struct CopiedTable {
  struct Column {
    std::string name;
    bool binary = false;
  };
  std::string name;
  std::vector<Column> columns;  // at most kMostColumns
  std::string key;              // what its rows are ordered by, and no two have alike
};
inline constexpr std::size_t kMostColumns = 20;

// Copies every row of `table`, in place of those that are there, and compares all of them afterwards: `corrupt` where
// they differ. Within a transaction. How many rows there are.
Result<std::uint64_t> copy_table(sql::Database& from, Database& to, const CopiedTable& table);

}  // namespace valetkey::postgres
