// SPDX-License-Identifier: Apache-2.0
#include "control/tokens.h"

#include <algorithm>

#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr std::size_t kRandomLength = 40;
constexpr std::size_t kChecksumLength = 6;

std::string checksum_of(std::string_view body) { return base62(crc32(0, body), kChecksumLength); }

}  // namespace

Secret make_token() {
  std::string random = random_base62(kRandomLength);
  std::string token;
  token.reserve(kTokenLength);  // no reallocation that would leave a copy behind
  token.append(kTokenPrefix).append(random);
  wipe(random);
  token.append(checksum_of(token));
  return Secret(std::move(token));
}

bool is_well_formed_token(std::string_view token) {
  if (token.size() != kTokenLength || !token.starts_with(kTokenPrefix)) return false;
  const std::string_view random = token.substr(kTokenPrefix.size(), kRandomLength);
  const auto is_base62 = [](char c) { return kBase62.find(c) != std::string_view::npos; };
  const std::string_view body = token.substr(0, kTokenLength - kChecksumLength);
  return std::ranges::all_of(random, is_base62) && token.substr(body.size()) == checksum_of(body);
}

Digest256 token_digest(std::string_view token) { return sha256(token); }

}  // namespace valetkey::control
