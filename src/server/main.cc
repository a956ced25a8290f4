// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <sys/stat.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "server/command_line.h"

int main(int argc, char** argv) {
  // An arena per thread would hold on to tens of megabytes in a server that allocates little.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  umask(077);
  try {
    return valetkey::server::run(argc, argv, std::cout, std::cerr,
                                 [](const char* name) -> const char* { return std::getenv(name); });
  } catch (const std::exception& broken) {
    std::cerr << "valetkeyd: " << broken.what() << '\n';
    return 1;
  }
}
