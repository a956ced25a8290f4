// SPDX-License-Identifier: Apache-2.0
// A token as people keep it: in a file, a variable or a line that was copied. Pure.
#pragma once

#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace valetkey::client {

// The token without what copying adds around it: a byte order mark (UTF-8, or UTF-16 as PowerShell
// writes it), white space, also the kinds that are not seen, quotes, and the words
// "Authorization:" and "Bearer". `invalid`, never with a byte of the token, if nothing is left or
// if it could not stand in a header: says which character cannot.
Result<Secret> clean_token(std::string_view text);

}  // namespace valetkey::client
