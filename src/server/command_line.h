// SPDX-License-Identifier: Apache-2.0
// The command line of valetkeyd, from words to exit status: 0, 1 (failed, the reason in one
// sentence on `err`), 2 (wrong usage).
#pragma once

#include <ostream>

#include "server/config.h"

namespace valetkey::server {

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const Environment& env);

}  // namespace valetkey::server
