// SPDX-License-Identifier: Apache-2.0
// The way from a program's words to what it has to do.
#pragma once

#include <ostream>

#include "terminal/command.h"

namespace valetkey::terminal {

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

struct Chosen {
  const Command* command = nullptr;  // null: there is nothing left to do but to flush `out`
  int status = 0;
};

// Adds the commands that print what else is made from the table: `completion` and `manual`.
void add_shell_commands(Command& program);

// Parses the words; answers those two commands, --help and --version on `out`, and wrong usage, with
// status 2, on `err`.
Chosen choose(const Command& program, const std::vector<std::string_view>& words, Streams streams,
              const Environment& env);

}  // namespace valetkey::terminal
