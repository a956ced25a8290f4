// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>

#include "cli/command_line.h"
#include "terminal/output.h"

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  const valetkey::terminal::StandardOutput output(STDOUT_FILENO);
  try {
    const int status =
        valetkey::cli::run(argc, argv, {std::cout, std::cerr},
                           [](const char* name) -> const char* { return std::getenv(name); });
    if (status != valetkey::cli::kReaderGone) return status;
    // As every tool in a pipe ends, once what it works with is in order.
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
    return status;
  } catch (const std::exception& broken) {
    std::cerr << "valetkey: " << broken.what() << '\n';
    return 1;
  }
}
