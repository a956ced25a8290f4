// SPDX-License-Identifier: Apache-2.0
// The form of a personal access token: vkpat_, 40 base62 characters, 6 of checksum (CRC-32 of all
// before, base62). Pure. docs/formats.md, "Personal access token".
#pragma once

#include <string>
#include <string_view>

namespace valetkey {

inline constexpr std::string_view kTokenPrefix = "vkpat_";
inline constexpr std::size_t kTokenRandomLength = 40;
inline constexpr std::size_t kTokenChecksumLength = 6;
inline constexpr std::size_t kTokenLength = 6 + kTokenRandomLength + kTokenChecksumLength;

// Of everything before it.
std::string token_checksum(std::string_view body);
// True if form and checksum are right: whether a look-up is worth it, not whether it is known.
bool is_well_formed_token(std::string_view token);
// Meant to be a token of this kind, but with a slip in it. Tokens of other kinds are none.
bool is_mistyped_token(std::string_view token);

inline constexpr std::string_view kMistypedToken =
    "mistyped or cut off: it is vkpat_ and 46 letters and digits, the last of which check the "
    "others. Copy it again, whole.";

}  // namespace valetkey
