// SPDX-License-Identifier: Apache-2.0
// What commands do at the engine of the configuration: nothing where credentials are this server's
// own.
#pragma once

#include <optional>
#include <string>

#include "access/credentials.h"
#include "admin/command_context.h"

namespace valetkey::admin {

// Makes what the account needs there.
Result<void> open_at_engine(const CommandContext& context, control::ControlStore& store,
                            const AccountId& account);

// What became of the sessions that are out, as a sentence and for JSON.
struct Ended {
  bool at_once = false;
  Timestamp by{};    // the last of them ends then at the latest
  std::string text;  // goes on after "tokens are refused …"
};
// Nothing: the server itself ends them within a second. A failure of the engine is an error that says
// until when they live; what was done before it stays.
Result<std::optional<Ended>> end_sessions(const CommandContext& context,
                                          control::ControlStore& store, const access::Cut& cut);

}  // namespace valetkey::admin
