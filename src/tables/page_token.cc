// SPDX-License-Identifier: Apache-2.0
#include "tables/page_token.h"

#include "base/encoding.h"

namespace valetkey::tables {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + 3 * 8;
constexpr std::size_t kMaxBytes = kHeadBytes + 1024;  // an object's key has no more

void append(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes.substr(0, 8)) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

}  // namespace

std::string encode(const PageToken& token) {
  std::string bytes(1, kVersion);
  append(bytes, token.version);
  append(bytes, token.generation);
  append(bytes, token.query);
  return base64url(bytes + token.after);
}

std::optional<PageToken> decode_page_token(std::string_view text) {
  if (text.size() > 2 * kMaxBytes) return std::nullopt;
  const auto decoded = unbase64url(text);
  if (!decoded || decoded->size() < kHeadBytes || decoded->size() > kMaxBytes ||
      decoded->front() != kVersion)
    return std::nullopt;
  const std::string_view bytes = *decoded;
  PageToken token{number(bytes.substr(1)), number(bytes.substr(9)), number(bytes.substr(17)),
                  std::string(bytes.substr(kHeadBytes))};
  if (!is_utf8(token.after) || token.after.contains('\0')) return std::nullopt;
  // Numbers of the index are signed.
  if ((token.version | token.generation) >> 62 != 0) return std::nullopt;
  return token;
}

}  // namespace valetkey::tables
