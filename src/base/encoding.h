// SPDX-License-Identifier: Apache-2.0
// Text forms of bytes. Pure; decoders accept the canonical form only and say `invalid` otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey {

std::string hex(std::string_view bytes);           // lower case
Result<std::string> unhex(std::string_view text);  // either case, even length

std::string base64(std::string_view bytes);  // RFC 4648 section 4, padded
Result<std::string> unbase64(std::string_view text);
std::string base64url(std::string_view bytes);  // RFC 4648 section 5, no padding
// Refuses padding, other alphabets and non-zero trailing bits, so every value has one text.
Result<std::string> unbase64url(std::string_view text);

inline constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
std::string base62(std::uint64_t value, std::size_t width);  // zero padded, most significant first

// RFC 3986 percent-encoding of all but unreserved characters, upper case hex; `keep_slash` leaves
// '/'.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// Decodes once; a '%' without two hex digits is `invalid`. '+' stays '+'.
Result<std::string> percent_decode(std::string_view text);

bool is_utf8(std::string_view text);  // strict: no overlong forms, surrogates, or beyond U+10FFFF
// The length of the character that `text` begins with, 1 to 4 bytes; 0 where it is not UTF-8 or
// empty.
std::size_t utf8_sequence(std::string_view text);

}  // namespace valetkey
