// SPDX-License-Identifier: Apache-2.0
#include "control/tokens.h"

#include "base/encoding.h"

namespace valetkey::control {

Secret make_token() {
  std::string random = random_base62(kTokenRandomLength);
  std::string token;
  token.reserve(kTokenLength);  // no reallocation that would leave a copy behind
  token.append(kTokenPrefix).append(random);
  wipe(random);
  token.append(token_checksum(token));
  return Secret(std::move(token));
}

Digest256 token_digest(std::string_view token) { return sha256(token); }

}  // namespace valetkey::control
