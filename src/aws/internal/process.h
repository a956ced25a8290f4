// SPDX-License-Identifier: Apache-2.0
// A program that is run for its output: credential_process. Blocks.
#pragma once

#include <string>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::aws {

// What `command`, given to /bin/sh, writes to its standard output, at most 64 KiB; its standard
// error is this program's. `unavailable` where it fails, or has not ended within `patience`: it and
// what it started are ended then. Errors name neither the command nor its output: both may be secret.
Result<std::string> read_output(const std::string& command, milliseconds patience);

}  // namespace valetkey::aws
