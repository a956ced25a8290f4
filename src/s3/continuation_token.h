// SPDX-License-Identifier: Apache-2.0
// Where a listing goes on, sealed to the account and the query it belongs to: nobody's token is of
// use to anybody else, or with another prefix. Pure. Thread-safe. docs/formats.md, "Continuation
// token".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/keyring.h"
#include "base/result.h"

namespace valetkey::s3 {

// What a token belongs to.
struct ListingIdentity {
  std::string_view account;
  std::string_view prefix;
  std::string_view delimiter;
};

struct ListingPosition {
  std::uint64_t generation = 0;  // of the index that the first page showed
  std::string last_key;          // the last key or common prefix given out
  friend bool operator==(const ListingPosition&, const ListingPosition&) = default;
};

// base64url of: version 1, key id (4 bytes), generation (8 bytes), last key, and HMAC-SHA-256 with
// the "listing-token" subkey of that object key over all of it and the identity. Integers
// big-endian. `internal` if the keyring has no active object key.
Result<std::string> make_continuation_token(const Keyring& keyring, const ListingIdentity& identity,
                                            const ListingPosition& position, Timestamp now);
// `invalid` for anything that make_continuation_token() did not give this identity, or whose key is
// retired or gone.
Result<ListingPosition> read_continuation_token(const Keyring& keyring,
                                                const ListingIdentity& identity,
                                                std::string_view token, Timestamp now);

}  // namespace valetkey::s3
