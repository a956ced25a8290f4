// SPDX-License-Identifier: Apache-2.0
// Under which addresses people reach what is configured. Pure but for the name of the machine.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace valetkey::config {

// Of a listener at `address`; with the machine's name where it listens on every address.
std::string listener_url(const std::string& address, std::uint16_t port, bool tls);
// Where browsers find the console: as configured, else the API's listener.
std::string console_url(const Config& config);
// The origins of its pages, which may read the S3 endpoint without being listed.
std::vector<std::string> console_origins(const Config& config);

}  // namespace valetkey::config
