// SPDX-License-Identifier: Apache-2.0
// Names of strangers, whoever may send events, on a terminal. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace valetkey::cli {

// UTF-8 with a '?' for each control character, of C0 or C1, which would move the cursor or start a
// command to the terminal, and for each that turns the direction of the text behind it.
std::string printable(std::string_view text);

}  // namespace valetkey::cli
