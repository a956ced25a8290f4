// SPDX-License-Identifier: Apache-2.0
// The claims of a session token as bytes: one encoding for each value, and nothing else is decoded.
// docs/formats.md, "Session token". Pure. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "access/credentials.h"

namespace valetkey::access {

std::string encode_claims(const Claims& claims);
std::optional<Claims> decode_claims(std::string_view bytes);

AccessKeyId make_access_key_id();  // random

}  // namespace valetkey::access
