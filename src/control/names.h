// SPDX-License-Identifier: Apache-2.0
// What people may call things. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::control {

// The address in lower case, as it is stored and compared. ASCII only: that is what lower case can
// be trusted for, and two addresses that differ in case must not be two users. `invalid` otherwise.
Result<std::string> normalise_email(std::string_view text);

// Between `at_least` and 100 characters of UTF-8; `what` names it in the error. Refused is what
// nobody can tell in a list: control characters, invisible ones, those that turn the direction of
// what follows, and a name of blanks alone or with blanks at its ends.
Result<void> check_name(std::string_view name, std::size_t at_least, std::string_view what);

}  // namespace valetkey::control
