// SPDX-License-Identifier: Apache-2.0
#include "base/ids.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_base62(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_base32(char c) { return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'); }

bool is_prefixed(std::string_view text, std::string_view prefix, bool (*allowed)(char)) {
  return text.size() == prefix.size() + 16 && text.starts_with(prefix) &&
         std::ranges::all_of(text.substr(prefix.size()), allowed);
}

}  // namespace

bool AccountRule::valid(std::string_view text) {
  return !text.empty() && text.size() <= 20 && std::ranges::all_of(text, is_digit);
}
bool UserRule::valid(std::string_view text) { return is_prefixed(text, "usr_", is_base62); }
bool TokenRule::valid(std::string_view text) { return is_prefixed(text, "tok_", is_base62); }
bool AccessKeyRule::valid(std::string_view text) { return is_prefixed(text, "ASIA", is_base32); }

UserId make_user_id() { return *UserId::parse("usr_" + random_base62(16)); }
TokenId make_token_id() { return *TokenId::parse("tok_" + random_base62(16)); }

std::string make_uuid() {
  std::string bytes = random_bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // RFC 4122 variant
  std::string text = hex(bytes);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

}  // namespace valetkey
