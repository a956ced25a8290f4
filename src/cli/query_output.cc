// SPDX-License-Identifier: Apache-2.0
#include "cli/query_output.h"

#include <fmt/format.h>

#include "terminal/table.h"
#include "terminal/width.h"

namespace valetkey::cli {
namespace {

// At most kTableCell columns, and what a terminal would obey spelled out.
std::string cell_text(std::string_view value) {
  std::string out;
  // A character has four bytes at most, and marks may combine with it: enough, and bounded.
  const std::string_view front = value.substr(0, kTableCell * 16);
  for (std::size_t i = 0; i < front.size(); ++i) {
    const auto byte = static_cast<unsigned char>(front[i]);
    const bool c1 =
        byte == 0xC2 && i + 1 < front.size() && static_cast<unsigned char>(front[i + 1]) < 0xA0;
    if (c1)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(front[++i]));
    else if (byte >= 0x20 && byte != 0x7F)
      out += front[i];
    else
      out += byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
  }
  return terminal::cut(terminal::printable(out), kTableCell);
}

std::vector<terminal::Table::Column> shown_columns(const std::vector<QueryColumn>& columns) {
  std::vector<terminal::Table::Column> shown;
  for (const QueryColumn& column : columns)
    shown.push_back({cell_text(column.name), column.number});
  return shown;
}

class Table : public RowFormat {
 public:
  Table(const std::vector<QueryColumn>& columns, Writer write, std::optional<std::size_t> width)
      : table_(shown_columns(columns), terminal::Table::Style::ruled),
        write_(std::move(write)),
        width_(width) {}
  Result<void> row(Cells cells) override {
    if (++count_ > kTableRows) return {};
    std::vector<std::string> texts;
    for (const auto& cell : cells) texts.push_back(cell ? cell_text(*cell) : "NULL");
    table_.row(std::move(texts));
    return {};
  }
  Result<void> end() override {
    VALETKEY_CHECK(write_(table_.text(width_)));
    return write_(count_ > kTableRows
                      ? fmt::format("(the first {} rows; --format csv has all)\n", kTableRows)
                      : fmt::format("({} row{})\n", count_, count_ == 1 ? "" : "s"));
  }

 private:
  terminal::Table table_;
  Writer write_;
  std::optional<std::size_t> width_;
  std::size_t count_ = 0;
};

std::string csv_cell(const std::optional<std::string_view>& value) {
  if (!value) return "";
  if (!value->empty() && value->find_first_of(",\"\r\n") == std::string_view::npos)
    return std::string(*value);
  std::string out = "\"";
  for (const char c : *value) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

class Csv : public RowFormat {
 public:
  Csv(std::vector<QueryColumn> columns, Writer write)
      : columns_(std::move(columns)), write_(std::move(write)) {}
  Result<void> begin() override {
    std::vector<std::optional<std::string_view>> names;
    names.reserve(columns_.size());
    for (const QueryColumn& column : columns_) names.emplace_back(column.name);
    return row(names);
  }
  Result<void> row(Cells cells) override {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) line += (i == 0 ? "" : ",") + csv_cell(cells[i]);
    return write_(line + "\n");
  }

 private:
  std::vector<QueryColumn> columns_;
  Writer write_;
};

class Json : public RowFormat {
 public:
  explicit Json(Writer write) : write_(std::move(write)) {}
  Result<void> row(Cells cells) override {
    const std::string object = cells[0] ? strict_json(*cells[0]) : "null";
    const char* before = first_ ? "[" : ",\n";
    first_ = false;
    return write_(before + object);
  }
  Result<void> end() override { return write_(first_ ? "[]\n" : "]\n"); }

 private:
  Writer write_;
  bool first_ = true;
};

}  // namespace

std::unique_ptr<RowFormat> make_table(std::vector<QueryColumn> columns, Writer write,
                                      std::optional<std::size_t> width) {
  return std::make_unique<Table>(columns, std::move(write), width);
}
std::unique_ptr<RowFormat> make_csv(std::vector<QueryColumn> columns, Writer write) {
  return std::make_unique<Csv>(std::move(columns), std::move(write));
}
std::unique_ptr<RowFormat> make_json(Writer write) {
  return std::make_unique<Json>(std::move(write));
}

std::string strict_json(std::string_view object) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < object.size(); ++i) {
    const std::string_view rest = object.substr(i);
    if (quoted && object[i] == '\\' && i + 1 < object.size()) {
      out += rest.substr(0, 2);
      ++i;
      continue;
    }
    if (object[i] == '"') quoted = !quoted;
    std::size_t length = 0;
    for (const std::string_view word : {"NaN", "-NaN", "Infinity", "-Infinity"})
      if (!quoted && rest.starts_with(word)) length = word.size();
    if (length == 0) {
      out += object[i];
    } else {
      out += "null";
      i += length - 1;
    }
  }
  return out;
}

}  // namespace valetkey::cli
