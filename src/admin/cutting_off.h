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

// Nothing: the server itself ends them within a second. A failure of the engine is an error that says
// until when they live; what was done before it stays. `cut_off` false: only says until when.
Result<std::optional<access::EndOfSessions>> end_sessions(const CommandContext& context,
                                                          control::ControlStore& store,
                                                          const access::Cut& cut,
                                                          bool cut_off = true);

}  // namespace valetkey::admin
