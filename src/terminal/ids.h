// SPDX-License-Identifier: Apache-2.0
// Ids in command lines.
#pragma once

#include <string>

#include "base/ids.h"
#include "terminal/command.h"

namespace valetkey::terminal {

inline Value account_id(std::string& out) {
  return text(
      out, [](std::string_view word) { return AccountId::parse(word).has_value(); },
      "an account's id of 1 to 20 digits, such as 12345");
}

}  // namespace valetkey::terminal
