// SPDX-License-Identifier: Apache-2.0
// How the programs that prepare a data folder open it, and give up.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "admin/command_context.h"

namespace valetkey::bench {

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().detail.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

inline admin::CommandContext context_of(const char* data_dir, const Clock& clock) {
  return {.out = std::cout,
          .err = std::cerr,
          .clock = clock,
          .env = [](const char*) -> const char* { return nullptr; },
          .data_dir = data_dir,
          .config_file = {},
          .keyring_file = {}};
}

}  // namespace valetkey::bench
