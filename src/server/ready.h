// SPDX-License-Identifier: Apache-2.0
// The server's state, reported to what started it: systemd over NOTIFY_SOCKET (sd_notify(3), the
// protocol, without its library), and a descriptor for scripts that wait for the ports.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"

namespace valetkey::server {

// "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=…", lines apart. Nothing happens where no socket
// is named.
void notify_systemd(const config::Environment& env, std::string_view state);

// Writes `line` to the descriptor and closes it.
Result<void> write_ready_line(int fd, std::string_view line);

}  // namespace valetkey::server
