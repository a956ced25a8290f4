// SPDX-License-Identifier: Apache-2.0
// The name by which commands write a number of bytes.
#pragma once

#include "terminal/size.h"

namespace valetkey::server {

struct ProgressBar {
  static std::string bytes_text(std::uint64_t bytes) { return terminal::size_text(bytes); }
};

}  // namespace valetkey::server
