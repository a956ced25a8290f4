// SPDX-License-Identifier: Apache-2.0
// Aligned columns for people.
#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace valetkey::terminal {

class Table {
 public:
  struct Column {
    std::string name;
    bool number = false;  // set flush right, and never cut
  };
  enum class Style : std::uint8_t { plain, ruled };  // ruled: as databases print them

  explicit Table(std::vector<Column> columns, Style style = Style::plain);
  explicit Table(std::initializer_list<const char*> names);
  void row(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  // Within `width` columns, where there is a width: long cells are cut first, then columns are left
  // out from the right; the last line says which. No spaces at the ends of lines; what would move
  // the cursor prints as '?'.
  std::string text(std::optional<std::size_t> width) const;
  // As wide as the window where `out` is a terminal's, else as wide as it is.
  void print(std::ostream& out) const;

 private:
  struct Layout {
    std::vector<std::size_t> widths;
    std::size_t shown;  // of the columns
  };
  std::size_t width_of_row(const Layout& layout) const;
  bool shrink(Layout& layout, std::size_t width) const;
  Layout layout(std::optional<std::size_t> width) const;
  std::string line(const std::vector<std::string>& cells, const Layout& layout) const;
  std::string left_out(const Layout& layout, std::size_t width) const;

  std::vector<Column> columns_;
  Style style_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace valetkey::terminal
