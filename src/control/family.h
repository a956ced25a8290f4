// SPDX-License-Identifier: Apache-2.0
// The tokens that descend from a token: what it created, what those created, and so on. Pure.
#pragma once

#include <span>
#include <vector>

#include "control/control_store.h"

namespace valetkey::control {

// In the order of `all`, without `root`. A token that replaced another is younger than what hangs on
// it, and may even hang on that itself.
std::vector<Token> descendants_of(const TokenId& root, std::span<const Token> all);

}  // namespace valetkey::control
