// SPDX-License-Identifier: Apache-2.0
// What commands do at the engine of the configuration: nothing where credentials are this server's
// own.
#pragma once

#include <optional>
#include <string>

#include "access/end_of_sessions.h"
#include "admin/command_context.h"

namespace valetkey::admin {

// Makes what the account needs there.
Result<void> open_at_engine(const CommandContext& context, control::ControlStore& store,
                            const AccountId& account);

// `invalid`, with the sentence, where sessions there could not be held to these limits.
Result<void> check_at_engine(const CommandContext& context, control::ControlStore& store,
                             const AccountId& account, const control::Narrowing& narrowing);

// Nothing: the server itself ends them within a second. What became of them is recorded, also that
// the engine failed, which the result says. `cut_off` false: only says until when they live.
Result<std::optional<access::EndOfSessions>> end_sessions(const CommandContext& context,
                                                          control::ControlStore& store,
                                                          const access::Whose& whose,
                                                          bool cut_off = true);

}  // namespace valetkey::admin
