// SPDX-License-Identifier: Apache-2.0
#include "postgres/internal/statement_text.h"

#include <algorithm>

#include "base/encoding.h"

namespace valetkey::postgres {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string numbered_parameters(std::string_view sql) {
  std::string out;
  int last = 0;
  char quote = '\0';
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '?') {
      out += '$';
      if (i + 1 == sql.size() || !is_digit(sql[i + 1])) out += std::to_string(++last);
      continue;
    }
    out += c;
  }
  return out;
}

std::string as_text(std::string_view bytes) {
  if (std::ranges::all_of(bytes, [](char c) { return static_cast<signed char>(c) > 0; }))
    return std::string(bytes);
  std::string out;
  while (!bytes.empty()) {
    const std::size_t length = bytes.front() == '\0' ? 0 : utf8_sequence(bytes);
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, length);
    bytes.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

}  // namespace valetkey::postgres
