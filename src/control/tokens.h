// SPDX-License-Identifier: Apache-2.0
// The personal access token: vkpat_, 40 base62 characters, 6 of checksum (CRC-32 of all before,
// base62). Pure. docs/formats.md, "Personal access token".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/secret.h"

namespace valetkey::control {

inline constexpr std::string_view kTokenPrefix = "vkpat_";
inline constexpr std::size_t kTokenLength = 6 + 40 + 6;

Secret make_token();  // from the system's random source
// True if form and checksum are right: whether a look-up is worth it, not whether the token is
// known.
bool is_well_formed_token(std::string_view token);
Digest256 token_digest(std::string_view token);  // what is stored

}  // namespace valetkey::control
