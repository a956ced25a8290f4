// SPDX-License-Identifier: Apache-2.0
#include "client/token_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "base/text.h"

namespace valetkey::client {
namespace {

constexpr std::size_t kMaxBytes = 4096;

// White space of ASCII, then no-break space, zero-width space and joiners, word joiner and the byte
// order mark, in UTF-8.
constexpr std::array<std::string_view, 14> kAround{" ",
                                                   "\t",
                                                   "\r",
                                                   "\n",
                                                   "\v",
                                                   "\f",
                                                   "\xC2\xA0",
                                                   "\xE2\x80\x8B",
                                                   "\xE2\x80\x8C",
                                                   "\xE2\x80\x8D",
                                                   "\xE2\x80\x8E",
                                                   "\xE2\x80\x8F",
                                                   "\xE2\x81\xA0",
                                                   "\xEF\xBB\xBF"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kQuotes{{
    {"\"", "\""},
    {"'", "'"},
    {"`", "`"},
    {"\xE2\x80\x9C", "\xE2\x80\x9D"},  // typographic
    {"<", ">"},
}};

std::string_view trim(std::string_view text) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view each : kAround) {
      if (text.starts_with(each)) text.remove_prefix(each.size()), again = true;
      if (text.ends_with(each)) text.remove_suffix(each.size()), again = true;
    }
  }
  return text;
}

std::string_view unquote(std::string_view text) {
  for (const auto& [open, close] : kQuotes)
    if (text.size() >= open.size() + close.size() && text.starts_with(open) &&
        text.ends_with(close))
      return text.substr(open.size(), text.size() - open.size() - close.size());
  return text;
}

// Takes off `word`, in any case, where white space or the end follows.
std::string_view without_word(std::string_view text, std::string_view word) {
  const bool there = text.size() >= word.size() &&
                     std::ranges::equal(text.substr(0, word.size()), word, {}, lower);
  if (!there) return text;
  const std::string_view rest = text.substr(word.size());
  return word.ends_with(':') || trim(rest).size() < rest.size() || rest.empty() ? rest : text;
}

std::string_view core_of(std::string_view text) {
  for (std::size_t before = text.size() + 1; text.size() < before;) {
    before = text.size();
    text = unquote(trim(text));
    text = without_word(without_word(trim(text), "authorization:"), "bearer");
  }
  return text;
}

// ASCII that was written as UTF-16 with a byte order mark; nothing for any other text.
std::optional<std::string> from_utf16(std::string_view text) {
  const bool little = text.starts_with("\xFF\xFE"), big = text.starts_with("\xFE\xFF");
  if ((!little && !big) || text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 2; i < text.size(); i += 2) {
    if (text[i + (little ? 1 : 0)] != '\0') return std::nullopt;
    out += text[i + (little ? 0 : 1)];
  }
  return out;
}

// What a person can look for: never a character that could be the token's own.
std::string name_of(std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  const auto next = [&text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) & 0x3FU : 0U;
  };
  if (byte == ' ') return "a space";
  if (byte == '\n' || byte == '\r') return "a line break";
  if (byte == '\t') return "a tab";
  if (byte < 0x80) return fmt::format("the control character U+{:04X}", byte);
  if (byte >= 0xF0) return "a character beyond ASCII";
  if (byte >= 0xE0) return fmt::format("U+{:04X}", (byte & 0x0FU) << 12 | next(1) << 6 | next(2));
  if (byte >= 0xC0) return fmt::format("U+{:04X}", (byte & 0x1FU) << 6 | next(1));
  return fmt::format("the byte 0x{:02X}", byte);
}

}  // namespace

Result<Secret> clean_token(std::string_view text) {
  auto narrow = from_utf16(text);
  const std::string_view token = core_of(narrow ? *narrow : text);
  if (token.empty()) return fail(ErrorCode::invalid, "the token is empty");
  const auto bad = std::ranges::find_if(token, [](char c) { return c <= 0x20 || c >= 0x7F; });
  if (bad != token.end()) {
    const auto at = static_cast<std::size_t>(bad - token.begin());
    return fail(ErrorCode::invalid,
                fmt::format("the token holds {} after {} characters, which no token has: copy it "
                            "again, alone on its line",
                            name_of(token.substr(at)), at));
  }
  if (token.size() > kMaxBytes)
    return fail(ErrorCode::invalid, "the token is longer than any token: is it another file?");
  Secret made{std::string(token)};
  if (narrow) wipe(*narrow);
  return made;
}

}  // namespace valetkey::client
