// SPDX-License-Identifier: Apache-2.0
// Text as protocols and configuration compare it, and as SQL quotes it. Letters are those of ASCII;
// every other byte stands as it is. Pure.
#pragma once

#include <string>
#include <string_view>

namespace valetkey {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
std::string lowered(std::string_view text);

// Inline, since every look-up of a header calls it.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

// Without what of `blanks` stands at either end. Grammars differ in what is blank, so each caller
// names it.
std::string_view trimmed(std::string_view text, std::string_view blanks);

// In single quotes, those within it doubled.
std::string sql_text(std::string_view text);

}  // namespace valetkey
