// SPDX-License-Identifier: Apache-2.0
// Reads what the environment says.
#pragma once

#include <string>

#include "aws/source.h"

namespace valetkey::aws {

inline std::string variable(const Environment& env, const char* name) {
  const char* value = env(name);
  return value ? value : "";
}

// A token that stands alone in a file, without white space around it. `invalid` where it is empty.
Result<std::string> read_token_file(const std::string& path);

}  // namespace valetkey::aws
