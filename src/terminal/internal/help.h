// SPDX-License-Identifier: Apache-2.0
// What --help prints, made from the table of commands. Pure.
#pragma once

#include <string>

#include "terminal/command.h"

namespace valetkey::terminal {

inline constexpr std::size_t kHelpColumns = 80;  // where the window's is unknown

std::string help(const Command& command, std::size_t columns);

// "valetkeyd token create --account ID --user EMAIL --name NAME [OPTION …]"
std::string usage(const Command& command);
// "-o, --output FOLDER"
std::string spelling(const Option& option);
// What the option is for, with its choices, its default and its variable.
std::string meaning(const Option& option);
// How a SIZE, a DURATION and the like are written, for those of them that the command takes.
std::vector<std::string> forms(const Command& command);

}  // namespace valetkey::terminal
