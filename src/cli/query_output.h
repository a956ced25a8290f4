// SPDX-License-Identifier: Apache-2.0
// Rows of text as a table, CSV or JSON. A table shows the first rows only and cuts long cells;
// whatever a visitor sent, no control character reaches a terminal through it. CSV is RFC 4180
// with \n: NULL is empty, an empty text is "". JSON is one array of objects.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace valetkey::cli {

using Cells = std::span<const std::optional<std::string_view>>;
using Writer = std::function<Result<void>(std::string_view)>;
struct QueryColumn {
  std::string name;
  bool number = false;  // set flush right
};

class RowFormat {
 public:
  virtual ~RowFormat() = default;
  virtual Result<void> begin() { return {}; }
  virtual Result<void> row(Cells cells) = 0;
  virtual Result<void> end() { return {}; }
};

inline constexpr std::size_t kTableRows = 1000;  // shown; one more says that there are more
inline constexpr std::size_t kTableCell = 80;    // characters

// `width`: of the window that it must fit; nothing: none.
std::unique_ptr<RowFormat> make_table(std::vector<QueryColumn> columns, Writer write,
                                      std::optional<std::size_t> width = std::nullopt);
std::unique_ptr<RowFormat> make_csv(std::vector<QueryColumn> columns, Writer write);
// Rows are one cell, a JSON object each.
std::unique_ptr<RowFormat> make_json(Writer write);

// NaN and Infinity, which DuckDB writes and JSON does not have, become null.
std::string strict_json(std::string_view object);

}  // namespace valetkey::cli
