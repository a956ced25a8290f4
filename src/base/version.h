// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace valetkey {

extern const std::string_view kVersion;  // of both programs, "1.2.3"

}  // namespace valetkey
