// SPDX-License-Identifier: Apache-2.0
#include "s3/xml.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/xml_text.h"

namespace valetkey::s3 {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Bytes that may not be able to stand as they are in element content.
constexpr std::array<bool, 256> make_special() {
  std::array<bool, 256> special{};
  for (std::size_t c = 0; c < 0x20; ++c) special[c] = true;
  for (std::size_t c = 0x7F; c < 0x100; ++c) special[c] = true;
  for (unsigned char c : {'&', '<', '>', '"', '\''}) special[c] = true;
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

// Appends the character that `text`, beyond ASCII, begins with; returns how many bytes it had.
std::size_t append_character(std::string& out, std::string_view text) {
  const std::string_view character = text.substr(0, utf8_sequence(text));
  out += is_xml_character(character) ? character : kReplacement;
  return std::max<std::size_t>(character.size(), 1);
}

// The same of a special byte, whatever it is.
std::size_t append_special(std::string& out, std::string_view text) {
  switch (text.front()) {
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
    case '\t':
      out += "&#x9;";
      return 1;
    case '\n':
      out += "&#xA;";
      return 1;
    case '\r':
      out += "&#xD;";
      return 1;
    case '\x7F':
      out += "&#x7F;";
      return 1;
    default:
      break;
  }
  if (static_cast<unsigned char>(text.front()) >= 0x80) return append_character(out, text);
  out += kReplacement;
  return 1;
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
    i += append_special(out, text.substr(i));
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
