// SPDX-License-Identifier: Apache-2.0
#include "terminal/table.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

// No cell is cut to less: an id, or an instant, is of no use in part.
constexpr std::size_t kLeastCell = 24;

std::vector<Table::Column> columns_named(std::initializer_list<const char*> names) {
  std::vector<Table::Column> columns;
  for (const char* name : names) columns.push_back({name, false});
  return columns;
}

}  // namespace

Table::Table(std::vector<Column> columns, Style style)
    : columns_(std::move(columns)), style_(style) {
  for (Column& column : columns_) column.name = printable(column.name);
}

Table::Table(std::initializer_list<const char*> names) : Table(columns_named(names)) {}

void Table::row(std::vector<std::string> cells) {
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::size_t Table::width_of_row(const Layout& layout) const {
  std::size_t width = style_ == Style::ruled ? 2 : 0;  // a space at either side
  for (std::size_t i = 0; i < layout.shown; ++i)
    width += layout.widths[i] + (i == 0 ? 0 : style_ == Style::ruled ? 3 : 2);
  return width;
}

// Shrinks the widest texts among the columns shown, one after the other, until the row fits.
bool Table::shrink(Layout& layout, std::size_t width) const {
  const std::size_t least = std::max(kLeastCell, width / 3);
  for (std::size_t wide = width_of_row(layout); wide > width; wide = width_of_row(layout)) {
    std::size_t* widest = nullptr;
    for (std::size_t i = 0; i < layout.shown; ++i)
      if (!columns_[i].number && (widest == nullptr || layout.widths[i] > *widest))
        widest = &layout.widths[i];
    if (widest == nullptr || *widest <= least) return false;
    *widest = std::max(least, *widest - std::min(*widest, wide - width));
  }
  return true;
}

Table::Layout Table::layout(std::optional<std::size_t> width) const {
  Layout natural{{}, columns_.size()};
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    natural.widths.push_back(width_of(columns_[i].name));
    for (const auto& cells : rows_)
      natural.widths[i] = std::max(natural.widths[i], width_of(cells[i]));
  }
  if (!width) return natural;
  for (; natural.shown > 1; --natural.shown) {
    Layout tried = natural;
    if (shrink(tried, *width)) return tried;
  }
  const std::size_t around = width_of_row(natural) - natural.widths[0];
  natural.widths[0] = std::min(natural.widths[0], *width > around ? *width - around : 1);
  return natural;
}

std::string Table::line(const std::vector<std::string>& cells, const Layout& layout) const {
  std::string out = style_ == Style::ruled ? " " : "";
  for (std::size_t i = 0; i < layout.shown; ++i) {
    const std::string cell = cut(cells[i], layout.widths[i]);
    if (i > 0) out += style_ == Style::ruled ? " | " : "  ";
    out += columns_[i].number ? pad_left(cell, layout.widths[i]) : pad(cell, layout.widths[i]);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + "\n";
}

std::string Table::left_out(const Layout& layout, std::size_t width) const {
  const std::size_t count = columns_.size() - layout.shown;
  std::vector<std::string> names;
  for (std::size_t i = layout.shown; i < columns_.size(); ++i) names.push_back(columns_[i].name);
  const std::string text = fmt::format("… {} column{} not shown", count, count == 1 ? "" : "s");
  return cut(fmt::format("{}: {}", text, fmt::join(names, ", ")), width) + "\n";
}

std::string Table::text(std::optional<std::size_t> width) const {
  const Layout shown = layout(width);
  std::vector<std::string> names;
  std::string rule;
  for (std::size_t i = 0; i < columns_.size(); ++i) names.push_back(columns_[i].name);
  std::string out = line(names, shown);
  if (style_ == Style::ruled) {
    for (std::size_t i = 0; i < shown.shown; ++i)
      rule.append(i == 0 ? "" : "+").append(shown.widths[i] + 2, '-');
    out += rule + "\n";
  }
  for (const auto& cells : rows_) out += line(cells, shown);
  return shown.shown == columns_.size() ? out : out + left_out(shown, *width);
}

void Table::print(std::ostream& out) const {
  out << text(&out == &std::cout ? columns_of(STDOUT_FILENO) : std::nullopt);
}

}  // namespace valetkey::terminal
