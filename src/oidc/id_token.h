// SPDX-License-Identifier: Apache-2.0
// What an identity provider says of a person: a JWT that it signed, checked against its published keys. Pure.
// Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515, RFC 7517.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "base/timestamp.h"

namespace valetkey::oidc {

struct Person {
  std::string email;
};

// What the token must say.
struct Expected {
  std::string_view issuer, client_id, nonce;
  Timestamp now;
};

enum class Fault : std::uint8_t {
  unknown_key,  // signed by a key that the document lacks: a newer document may have it
  refused,      // not from this provider, not for us, not now, or not as documented
  unverified,   // from the provider, which does not vouch for the address
};

struct TokenFault {
  Fault fault;
  std::string detail;  // for operators; holds nothing of the token
};

// `keys` is the provider's JWKS document. Only RS256 (keys of 2,048 bits and more) and ES256 count;
// the clocks may differ by a minute.
std::expected<Person, TokenFault> verify_id_token(std::string_view token, std::string_view keys,
                                                  const Expected& expected);

}  // namespace valetkey::oidc
