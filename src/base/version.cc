// SPDX-License-Identifier: Apache-2.0
#include "base/version.h"

namespace valetkey {

constexpr std::string_view kVersion = VALETKEY_VERSION;

}  // namespace valetkey
