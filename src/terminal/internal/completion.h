// SPDX-License-Identifier: Apache-2.0
// Scripts by which shells complete a program's command lines, made from the table of commands. They
// need nothing but the shell, and run nothing. Pure.
#pragma once

#include <functional>
#include <string>

#include "terminal/command.h"

namespace valetkey::terminal {

std::string bash_completion(const Command& program);
std::string zsh_completion(const Command& program);
std::string fish_completion(const Command& program);

// Every command, the program itself first.
void for_each(const Command& command, const std::function<void(const Command&)>& visit);
// The options that the command takes, those of the program among them, and --help.
std::vector<const Option*> options_of(const Command& command);
// Whether what is given for it is the name of a file or a folder.
bool names_file(const Option& option);
// 'text' for a shell like bash: as it is.
std::string shell_quoted(std::string_view text);

}  // namespace valetkey::terminal
