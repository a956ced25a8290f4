// SPDX-License-Identifier: Apache-2.0
// The `duration` parameter of the credentials API: <integer> and H, h (hours) or M, m (minutes).
// Pure. Narrower than base's parse_duration on purpose: this grammar is published.
#pragma once

#include <optional>
#include <string_view>

#include "base/timestamp.h"

namespace valetkey::api {

// Nothing for any other form and on overflow; zero is a duration here, its range is for the caller.
std::optional<milliseconds> parse_export_duration(std::string_view text);

}  // namespace valetkey::api
