// SPDX-License-Identifier: Apache-2.0
// The command line of valetkey, from words to exit status: 0, 1 (failed, the reason in one sentence
// on `err`), 2 (wrong usage).
#pragma once

#include "cli/commands.h"

namespace valetkey::cli {

// Overwrites the value of --token in `argv`, so that it leaves the process list.
int run(int argc, char** argv, Streams streams, const client::Environment& env);

}  // namespace valetkey::cli
