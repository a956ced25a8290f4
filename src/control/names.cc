// SPDX-License-Identifier: Apache-2.0
#include "control/names.h"

#include <algorithm>
#include <cstdint>

#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr std::size_t kMaxNameCharacters = 100;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322's atext.
bool is_atom(char c) {
  return is_alphanumeric(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

// Parts joined by single dots, each of 1 to `longest` allowed characters.
bool is_dotted(std::string_view text, std::size_t longest, bool (*allowed)(char)) {
  while (true) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, dot);
    if (part.empty() || part.size() > longest || !std::ranges::all_of(part, allowed)) return false;
    if (dot == text.size()) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_host_character(char c) { return is_alphanumeric(c) || c == '-'; }

bool is_control(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character[0]);
  if (first < 0x20 || first == 0x7f) return true;
  if (first == 0xc2 && static_cast<std::uint8_t>(character[1]) < 0xa0) return true;  // U+0080-9F
  return character == "\u2028" || character == "\u2029";
}

}  // namespace

Result<std::string> normalise_email(std::string_view text) {
  const std::size_t at = text.find('@');
  const bool good = text.size() <= 254 && at != std::string_view::npos && at <= 64 &&
                    is_dotted(text.substr(0, at), 64, is_atom) &&
                    is_dotted(text.substr(at + 1), 63, is_host_character);
  if (!good) return fail(ErrorCode::invalid, "an e-mail address must look like name@example.com");
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

Result<void> check_name(std::string_view name, std::size_t at_least, std::string_view what) {
  std::size_t characters = 0;
  bool good = true;
  for (std::string_view rest = name; good && !rest.empty(); ++characters) {
    const std::size_t length = utf8_sequence(rest);
    good = length != 0 && characters < kMaxNameCharacters && !is_control(rest.substr(0, length));
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (good && characters >= at_least) return {};
  return fail(ErrorCode::invalid, std::string(what) + " must have " + std::to_string(at_least) +
                                      " to 100 characters and no control characters");
}

}  // namespace valetkey::control
