// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "admin/command_line.h"
#include "config/config.h"
#include "server/serve.h"
#include "terminal/output.h"

namespace {

// Before anything else: a mistyped setting that does nothing is hard to find later.
void warn_of_unknown_variables() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (text.starts_with("VALETKEY_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& sentence : valetkey::config::unknown_variables(names))
    std::cerr << "valetkeyd: warning: " << sentence << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  // An arena per thread would hold on to tens of megabytes in a server that allocates little.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_TRIM_THRESHOLD, 1 << 20);
  umask(077);
  const valetkey::terminal::StandardOutput output(STDOUT_FILENO);
  try {
    warn_of_unknown_variables();
    return valetkey::admin::run(
        argc, argv, std::cout, std::cerr,
        [](const char* name) -> const char* { return std::getenv(name); }, valetkey::server::serve);
  } catch (const std::exception& broken) {
    std::cerr << "valetkeyd: " << broken.what() << '\n';
    return 1;
  }
}
