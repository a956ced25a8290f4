// SPDX-License-Identifier: Apache-2.0
// Asks a person before something is gone for good.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin/command_context.h"

namespace valetkey::admin {

// None: go on. Else the exit status to end with, said why: 2 where nobody can be asked, 1 where the
// answer was another. `loss` is one sentence; the answer must be `word`.
std::optional<int> confirm(const CommandContext& context, bool yes, std::string_view loss,
                           const std::string& word);

}  // namespace valetkey::admin
