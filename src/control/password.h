// SPDX-License-Identifier: Apache-2.0
// Passwords as they are stored: Argon2id (RFC 9106) by libsodium, in PHC's form, with 19 MiB and two
// passes. Each call takes that memory and some 40 ms, so callers bound how many run at once.
// Thread-safe.
// Source: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace valetkey::control {

inline constexpr std::size_t kMinPasswordCharacters = 12;
inline constexpr std::size_t kMaxPasswordBytes = 1024;

// `invalid`, with a sentence for the person, where `password` is none: it is UTF-8 of at least 12
// characters and at most 1,024 bytes, and not the address itself.
Result<void> check_password(std::string_view password, std::string_view email);

// `unavailable` without memory for it.
Result<std::string> hash_password(const Secret& password);
// Takes as long where `hash` is empty or no hash at all, which no password fits: a user without one
// looks like a user whose password was mistyped.
bool fits_password(std::string_view hash, const Secret& password);

}  // namespace valetkey::control
