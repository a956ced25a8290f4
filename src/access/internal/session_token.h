// SPDX-License-Identifier: Apache-2.0
// Sealing of session tokens with the salt as an argument, so that a golden test can fix it. Nobody
// outside may choose a salt, because a salt used twice is a nonce used twice.
#pragma once

#include <string_view>

#include "access/credentials.h"

namespace valetkey::access {

inline constexpr std::size_t kSaltBytes = 32;

struct SealedSession {
  Secret session_token;
  Secret secret_access_key;
};

// `claims` are of encode_claims().
SealedSession seal_session(const Key& key, std::string_view salt, std::string_view claims);

}  // namespace valetkey::access
