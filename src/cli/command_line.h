// SPDX-License-Identifier: Apache-2.0
// The command line of valetkey, from words to exit status: 0, 1 (failed, the reason in one sentence
// on `err`), 2 (wrong usage).
#pragma once

#include "cli/commands.h"

namespace valetkey::cli {

// The exit status where nobody reads standard output any more, as behind `| head`: a shell's for
// SIGPIPE.
inline constexpr int kReaderGone = 141;

// Overwrites the value of --token in `argv`, so that it leaves the process list.
int run(int argc, char** argv, Streams streams, const client::Environment& env);

}  // namespace valetkey::cli
