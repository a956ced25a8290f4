// SPDX-License-Identifier: Apache-2.0
#include "s3/xml.h"

#include <array>
#include <charconv>

namespace valetkey::s3 {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";

// Bytes that cannot stand as they are in element content; 0xEF may begin U+FFFE or U+FFFF.
constexpr std::array<bool, 256> make_special() {
  std::array<bool, 256> special{};
  for (std::size_t c = 0; c < 0x20; ++c) special[c] = true;
  for (unsigned char c : {'&', '<', '>', '"', '\'', '\x7F', '\xEF'}) special[c] = true;
  return special;
}
constexpr auto kSpecial = make_special();

constexpr std::array<bool, 256> make_unreserved() {
  std::array<bool, 256> plain{};
  for (unsigned char c = '0'; c <= '9'; ++c) plain[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) plain[c] = plain[c + 0x20] = true;
  for (unsigned char c : {'-', '.', '_', '~', '/'}) plain[c] = true;
  return plain;
}
constexpr auto kUnreserved = make_unreserved();

void append_reference(std::string& out, unsigned char c) {
  out += "&#x";
  if (c >= 0x10) out += kUpperHex[c >> 4];
  out += kUpperHex[c & 15];
  out += ';';
}

bool is_noncharacter(std::string_view text) {
  return text.starts_with("\xEF\xBF\xBE") || text.starts_with("\xEF\xBF\xBF");
}

// Appends what stands for the special byte at `at`; returns how many bytes of `text` that covers.
std::size_t append_special(std::string& out, std::string_view text, std::size_t at) {
  switch (text[at]) {
    case '&':
      out += "&amp;";
      return 1;
    case '<':
      out += "&lt;";
      return 1;
    case '>':
      out += "&gt;";
      return 1;
    case '"':
      out += "&quot;";
      return 1;
    case '\'':
      out += "&apos;";
      return 1;
    case '\xEF': {
      const bool bad = is_noncharacter(text.substr(at));
      if (bad)
        out += text[at + 2] == '\xBE' ? "&#xFFFE;" : "&#xFFFF;";
      else
        out += text[at];
      return bad ? 3 : 1;
    }
    default:
      append_reference(out, static_cast<unsigned char>(text[at]));
      return 1;
  }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (!kSpecial[static_cast<unsigned char>(text[i])]) {
      ++i;
      continue;
    }
    out.append(text, done, i - done);
    i += append_special(out, text, i);
    done = i;
  }
  out.append(text, done);
}

void append_url_encoded(std::string& out, std::string_view text) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (kUnreserved[byte]) continue;
    out.append(text, done, i - done);
    done = i + 1;
    if (byte == ' ') {
      out += '+';
      continue;
    }
    const char encoded[] = {'%', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
    out.append(encoded, sizeof encoded);
  }
  out.append(text, done);
}

void append_element(std::string& out, std::string_view name, std::string_view text) {
  ((out += '<') += name) += '>';
  append_escaped(out, text);
  ((out += "</") += name) += '>';
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

}  // namespace valetkey::s3
