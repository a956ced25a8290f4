// SPDX-License-Identifier: Apache-2.0
#include "postgres/copy.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/encoding.h"

namespace valetkey::postgres {
namespace {

using Values = std::vector<std::optional<std::string>>;

template <std::size_t... Index>
void bind_first(sql::Statement& statement, const Values& values, std::index_sequence<Index...>) {
  statement.bind(values[Index]...);
}

// A statement wants as many values as it has parameters.
template <std::size_t... Count>
void bind_all(sql::Statement& statement, const Values& values, std::index_sequence<Count...>) {
  static_cast<void>(
      ((values.size() == Count + 1 &&
        (bind_first(statement, values, std::make_index_sequence<Count + 1>()), true)) ||
       ...));
}

std::string columns_of(const CopiedTable& table) {
  std::string out;
  for (const auto& column : table.columns)
    out += fmt::format("{}\"{}\"", out.empty() ? "" : ", ", column.name);
  return out;
}

std::string select_of(const CopiedTable& table) {
  return fmt::format("SELECT {} FROM {} ORDER BY {}", columns_of(table), table.name, table.key);
}

std::string insert_of(const CopiedTable& table) {
  std::string values;
  for (const auto& column : table.columns)
    values +=
        fmt::format("{}{}", values.empty() ? "" : ", ", column.binary ? "decode(?, 'hex')" : "?");
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", table.name, columns_of(table), values);
}

Values values_of(const sql::Statement& row, const CopiedTable& table) {
  Values values;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    auto text = row.optional_text(static_cast<int>(i));
    if (text && table.columns[i].binary) text = hex(*text);
    values.push_back(std::move(text));
  }
  return values;
}

Result<void> compare(sql::Database& from, Database& to, const CopiedTable& table) {
  VALETKEY_TRY(auto theirs, from.prepare(select_of(table)));
  VALETKEY_TRY(auto ours, to.prepare(select_of(table)));
  while (true) {
    VALETKEY_TRY(const bool more, theirs.step());
    VALETKEY_TRY(const bool copied, ours.step());
    if (more == copied && !more) return {};
    if (more != copied || values_of(theirs, table) != values_of(ours, table))
      return fail(ErrorCode::corrupt,
                  fmt::format("the copy of table {} in {} differs from {}; nothing was kept",
                              table.name, to.name(), from.name()));
  }
}

}  // namespace

Result<std::uint64_t> copy_table(sql::Database& from, Database& to, const CopiedTable& table) {
  std::uint64_t rows = 0;
  {
    VALETKEY_CHECK(to.execute("DELETE FROM " + table.name));
    VALETKEY_TRY(auto read, from.prepare(select_of(table)));
    VALETKEY_TRY(auto insert, to.prepare(insert_of(table)));
    for (;; ++rows) {
      VALETKEY_TRY(const bool more, read.step());
      if (!more) break;
      bind_all(insert, values_of(read, table), std::make_index_sequence<kMostColumns>());
      VALETKEY_CHECK(insert.run_later());
    }
  }
  VALETKEY_CHECK(compare(from, to, table));
  return rows;
}

}  // namespace valetkey::postgres
