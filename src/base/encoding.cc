// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <array>
#include <cstdint>
#include <stdexcept>

namespace valetkey {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Table = std::array<std::int16_t, 256>;

constexpr Table reversed(std::string_view alphabet) {
  Table table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::int16_t>(i);
  return table;
}

constexpr Table hex_values() {
  Table table = reversed(kHex);
  for (std::size_t i = 10; i < 16; ++i)
    table[static_cast<std::uint8_t>(kHexUpper[i])] = static_cast<std::int16_t>(i);
  return table;
}

constexpr Table kHexValue = hex_values();
constexpr Table kBase64Value = reversed(kBase64);
constexpr Table kBase64UrlValue = reversed(kBase64Url);

std::uint32_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

std::string encode64(std::string_view bytes, std::string_view alphabet) {
  std::string out((bytes.size() * 4 + 2) / 3, '\0');  // indexed: every credential passes here
  char* to = out.data();
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t v =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    for (const int shift : {18, 12, 6, 0}) *to++ = alphabet[v >> shift & 63];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return out;
  std::uint32_t v = byte_at(bytes, i) << 16;
  if (rest == 2) v |= byte_at(bytes, i + 1) << 8;
  *to++ = alphabet[v >> 18 & 63];
  *to++ = alphabet[v >> 12 & 63];
  if (rest == 2) *to = alphabet[v >> 6 & 63];
  return out;
}

// Without padding; the bits that no whole byte takes must be zero.
Result<std::string> decode64(std::string_view text, const Table& values) {
  if (text.size() % 4 == 1) return fail(ErrorCode::invalid, "base64 of an impossible length");
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = values[static_cast<std::uint8_t>(c)];
    if (value < 0) return fail(ErrorCode::invalid, "base64 with a character outside its alphabet");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held & 0xff);
  }
  if ((bits & ((1U << held) - 1)) != 0)
    return fail(ErrorCode::invalid, "base64 whose last bits are not zero");
  return out;
}

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');  // indexed: twice per verified signature
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = kHex[byte_at(bytes, i) >> 4];
    out[2 * i + 1] = kHex[byte_at(bytes, i) & 15];
  }
  return out;
}

Result<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(ErrorCode::invalid, "hex of an odd length");
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = kHexValue[byte_at(text, i)];
    const int low = kHexValue[byte_at(text, i + 1)];
    if (high < 0 || low < 0) return fail(ErrorCode::invalid, "hex with a character outside 0-9a-f");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out = encode64(bytes, kBase64);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

Result<std::string> unbase64(std::string_view text) {
  if (text.size() % 4 != 0) return fail(ErrorCode::invalid, "base64 of an impossible length");
  if (text.ends_with("==")) {
    text.remove_suffix(2);
  } else if (text.ends_with('=')) {
    text.remove_suffix(1);
  }
  return decode64(text, kBase64Value);
}

std::string base64url(std::string_view bytes) { return encode64(bytes, kBase64Url); }

Result<std::string> unbase64url(std::string_view text) { return decode64(text, kBase64UrlValue); }

std::string base62(std::uint64_t value, std::size_t width) {
  std::string out(width, kBase62[0]);
  for (std::size_t i = width; i > 0 && value != 0; --i, value /= 62)
    out[i - 1] = kBase62[value % 62];
  if (value != 0) throw std::invalid_argument("base62: the value needs more characters");
  return out;
}

std::string percent_encode(std::string_view text, bool keep_slash) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
      continue;
    }
    const auto byte = static_cast<std::uint8_t>(c);
    out += '%';
    out += kHexUpper[byte >> 4];
    out += kHexUpper[byte & 15];
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? kHexValue[byte_at(text, i + 1)] : -1;
    const int low = i + 2 < text.size() ? kHexValue[byte_at(text, i + 2)] : -1;
    if (high < 0 || low < 0)
      return fail(ErrorCode::invalid, "a percent sign without two hex digits");
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::size_t utf8_sequence(std::string_view text) {
  if (text.empty()) return 0;
  const std::uint32_t first = byte_at(text, 0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_at(text, i) & 0xc0) != 0x80) return 0;
  const std::uint32_t second = byte_at(text, 1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

bool is_utf8(std::string_view text) {
  constexpr std::uint64_t kBeyondAscii = 0x8080808080808080;
  while (!text.empty()) {
    if (std::uint64_t eight = 0; text.size() >= sizeof eight) {  // mostly ASCII
      std::memcpy(&eight, text.data(), sizeof eight);
      if ((eight & kBeyondAscii) == 0) {
        text.remove_prefix(sizeof eight);
        continue;
      }
    }
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace valetkey
