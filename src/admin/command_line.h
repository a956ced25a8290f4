// SPDX-License-Identifier: Apache-2.0
// The command line of valetkeyd, from words to exit status: 0, 1 (failed, the reason in one
// sentence on `err`), 2 (wrong usage).
#pragma once

#include <functional>
#include <ostream>
#include <string>

#include "admin/command_context.h"

namespace valetkey::admin {

struct ServeFlags {
  std::string api_listen, s3_listen, intake_listen, admin_listen;  // empty: as configured
  int ready_fd = -1;  // gets one JSON line with the URLs, then is closed
};
// What `valetkeyd serve` runs. main hands it in, so that the commands do not depend on the server.
using Serve = std::function<Result<int>(CommandContext& context, const ServeFlags& flags)>;

int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
        const config::Environment& env, const Serve& serve);

}  // namespace valetkey::admin
