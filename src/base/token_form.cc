// SPDX-License-Identifier: Apache-2.0
#include "base/token_form.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey {

std::string token_checksum(std::string_view body) {
  return base62(crc32(0, body), kTokenChecksumLength);
}

bool is_well_formed_token(std::string_view token) {
  if (token.size() != kTokenLength || !token.starts_with(kTokenPrefix)) return false;
  const std::string_view random = token.substr(kTokenPrefix.size(), kTokenRandomLength);
  const auto is_base62 = [](char c) { return kBase62.find(c) != std::string_view::npos; };
  const std::string_view body = token.substr(0, kTokenLength - kTokenChecksumLength);
  return std::ranges::all_of(random, is_base62) &&
         token.substr(body.size()) == token_checksum(body);
}

bool is_mistyped_token(std::string_view token) {
  return token.starts_with(kTokenPrefix) && !is_well_formed_token(token);
}

}  // namespace valetkey
