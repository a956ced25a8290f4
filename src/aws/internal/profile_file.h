// SPDX-License-Identifier: Apache-2.0
// The configuration files of AWS: sections in brackets, `name = value` below them. Pure.
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::aws {

using Profile = std::map<std::string, std::string, std::less<>>;  // names in lower case
using Profiles = std::map<std::string, Profile, std::less<>>;

enum class ProfileFile : std::uint8_t {
  config,       // [profile NAME], [default]; other sections are none of ours
  credentials,  // [NAME]
};

// Adds what the file says to `profiles`; what stands there already is replaced. `invalid`, naming
// the line and nothing of it, where a line is none of the format.
Result<void> parse_profiles(std::string_view text, ProfileFile kind, Profiles& profiles);

}  // namespace valetkey::aws
