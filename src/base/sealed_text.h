// SPDX-License-Identifier: Apache-2.0
// What this server gives away and gets back as it was: tokens for engines, cookies. Each text is sealed under a key of
// its own, made of the keyring's session key, a label that sets its kind apart, and a fresh salt; so any node with the
// same keyring opens it. Pure but for the random source; thread-safe. docs/formats.md, "Sealed text".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/keyring.h"

namespace valetkey {

// How much longer it gets: version, key id, salt, tag.
inline constexpr std::size_t kSealedTextMore = 1 + 4 + 32 + 16;

// Bytes. `unavailable` where there is no session key.
Result<std::string> seal_text(const Keyring& keyring, std::string_view label,
                              std::string_view plain, Timestamp now);
// Nothing for another form or label, and for a key that is unknown or retired.
std::optional<std::string> open_text(const Keyring& keyring, std::string_view label,
                                     std::string_view sealed, Timestamp now);

}  // namespace valetkey
