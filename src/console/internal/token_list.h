// SPDX-License-Identifier: Apache-2.0
// Tokens of a list that a change would end, and as documents.
#pragma once

#include <vector>

#include <boost/json/array.hpp>

#include "control/control_store.h"

namespace valetkey::console {

// Of `tokens`, oldest first: those that the tokens of `user` created for others, and all that
// descends from them; or those of the user alone. Only tokens that count now.
std::vector<control::Token> made_for_others(const std::vector<control::Token>& tokens,
                                            const UserId& user, Timestamp now);
std::vector<control::Token> own_of(const std::vector<control::Token>& tokens, const UserId& user,
                                   Timestamp now);

boost::json::array documents_of(control::ControlStore& store,
                                const std::vector<control::Token>& tokens, Timestamp now);

}  // namespace valetkey::console
