// SPDX-License-Identifier: Apache-2.0
#include "control/names.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "base/encoding.h"
#include "base/text.h"

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

struct Range {
  char32_t first, last;
};

bool is_in(std::span<const Range> ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](Range r) { return c >= r.first && c <= r.last; });
}

// Nobody sees them, or they turn what stands behind them: two names that differ by them look alike.
// Unicode's controls, line separators and format characters, and letters without a shape.
constexpr std::array<Range, 20> kUnseen{
    {{0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},
     {0x600, 0x605},   {0x61c, 0x61c},     {0x115f, 0x1160},   {0x17b4, 0x17b5},
     {0x180b, 0x180f}, {0x200b, 0x200f},   {0x2028, 0x202e},   {0x2060, 0x206f},
     {0x3164, 0x3164}, {0xfe00, 0xfe0d},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
     {0xfff0, 0xfffb}, {0x13430, 0x1345f}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}}};
constexpr std::array<Range, 8> kBlank{{{0x20, 0x20},
                                       {0xa0, 0xa0},
                                       {0x1680, 0x1680},
                                       {0x2000, 0x200a},
                                       {0x202f, 0x202f},
                                       {0x205f, 0x205f},
                                       {0x2800, 0x2800},
                                       {0x3000, 0x3000}}};

// Of one well-formed sequence.
char32_t code_point(std::string_view sequence) {
  constexpr std::array<std::uint8_t, 5> kFirstBits{0, 0x7f, 0x1f, 0x0f, 0x07};
  auto c = static_cast<char32_t>(static_cast<std::uint8_t>(sequence[0]) &
                                 kFirstBits.at(sequence.size()));
  for (const char next : sequence.substr(1))
    c = (c << 6U) | (static_cast<std::uint8_t>(next) & 0x3fU);
  return c;
}

}  // namespace

Result<std::string> normalise_email(std::string_view text) {
  const std::size_t at = text.find('@');
  const bool good = text.size() <= 254 && at != std::string_view::npos && at <= 64 &&
                    is_dotted(text.substr(0, at), 64, is_atom) &&
                    is_dotted(text.substr(at + 1), 63, is_host_character);
  if (!good) return fail(ErrorCode::invalid, "an e-mail address must look like name@example.com");
  return lowered(text);
}

Result<void> check_name(std::string_view name, std::size_t at_least, std::string_view what) {
  std::size_t characters = 0;
  bool good = true;
  bool blank_last = false;
  for (std::string_view rest = name; good && !rest.empty(); ++characters) {
    const std::size_t length = utf8_sequence(rest);
    const char32_t c = length == 0 ? 0 : code_point(rest.substr(0, length));
    blank_last = is_in(kBlank, c);
    good =
        characters < kMaxNameCharacters && !is_in(kUnseen, c) && !(blank_last && characters == 0);
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
  if (good && !blank_last && characters >= at_least) return {};
  return fail(ErrorCode::invalid,
              std::string(what) + " must have " + std::to_string(at_least) +
                  " to 100 characters, no blank at its ends, and no control or invisible ones");
}

}  // namespace valetkey::control
