// SPDX-License-Identifier: Apache-2.0
// What a change of rights ended, as commands print it and the audit log keeps it.
#pragma once

#include <vector>

#include <boost/json/array.hpp>

#include "admin/command_context.h"

namespace valetkey::admin {

// [{"id", "name", "user", "parent"}], users by their e-mail addresses.
Result<boost::json::array> ended_document(control::ControlStore& store,
                                          const std::vector<control::Token>& tokens);
// `sentence` and a table of the tokens; nothing where there are none.
Result<void> print_ended(const CommandContext& context, control::ControlStore& store,
                         const std::vector<control::Token>& tokens, std::string_view sentence);
// A record of each, as token.revoke.
Result<void> record_ended(const CommandContext& context, const std::vector<control::Token>& tokens);
// Those that are neither revoked nor expired.
std::vector<control::Token> that_count(std::vector<control::Token> tokens, Timestamp now);

}  // namespace valetkey::admin
