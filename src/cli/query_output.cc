// SPDX-License-Identifier: Apache-2.0
#include "cli/query_output.h"

#include <fmt/format.h>

#include <algorithm>

namespace valetkey::cli {
namespace {

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

// Printable, at most kTableCell characters. C1 controls are C2 80 to C2 9F in UTF-8.
std::string cell_text(std::string_view value) {
  std::string out;
  std::size_t width = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto byte = static_cast<unsigned char>(value[i]);
    const bool c1 =
        byte == 0xC2 && i + 1 < value.size() && static_cast<unsigned char>(value[i + 1]) < 0xA0;
    std::string next(1, value[i]);
    if (byte < 0x20 || byte == 0x7F)
      next = byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : fmt::format("\\x{:02x}", byte);
    if (c1) next = fmt::format("\\x{:02x}", static_cast<unsigned char>(value[++i]));
    if (width + width_of(next) > kTableCell - 1 && i + 1 < value.size() &&
        starts_character(value[i])) {
      return out + "…";
    }
    width += width_of(next);
    out += next;
  }
  return out;
}

class Table : public RowFormat {
 public:
  Table(std::vector<QueryColumn> columns, Writer write)
      : columns_(std::move(columns)), write_(std::move(write)) {
    for (QueryColumn& column : columns_) {
      column.name = cell_text(column.name);
      widths_.push_back(width_of(column.name));
    }
  }
  Result<void> row(Cells cells) override {
    if (++count_ > kTableRows) return {};
    auto& texts = rows_.emplace_back();
    for (std::size_t i = 0; i < cells.size(); ++i) {
      texts.push_back(cells[i] ? cell_text(*cells[i]) : "NULL");
      widths_[i] = std::max(widths_[i], width_of(texts.back()));
    }
    return {};
  }
  Result<void> end() override {
    std::vector<std::string> names;
    std::string rule;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      names.push_back(columns_[i].name);
      rule += (i == 0 ? "" : "+") + std::string(widths_[i] + 2, '-');
    }
    VALETKEY_CHECK(write_(line(names) + rule + "\n"));
    for (const auto& texts : rows_) VALETKEY_CHECK(write_(line(texts)));
    return write_(count_ > kTableRows
                      ? fmt::format("(the first {} rows; --format csv has all)\n", kTableRows)
                      : fmt::format("({} row{})\n", count_, count_ == 1 ? "" : "s"));
  }

 private:
  std::string line(const std::vector<std::string>& texts) const {
    std::string out;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string room(widths_[i] - width_of(texts[i]), ' ');
      out += i == 0 ? " " : " | ";
      out += columns_[i].number ? room + texts[i] : texts[i] + room;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
  }
  std::vector<QueryColumn> columns_;
  Writer write_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
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

std::unique_ptr<RowFormat> make_table(std::vector<QueryColumn> columns, Writer write) {
  return std::make_unique<Table>(std::move(columns), std::move(write));
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
