// SPDX-License-Identifier: Apache-2.0
// The manual page of a program, made from the table of commands. Pure.
#pragma once

#include <string>

#include "terminal/command.h"

namespace valetkey::terminal {

// For man(1), in the language of groff_man(7): plain ASCII.
std::string manual(const Command& program);

}  // namespace valetkey::terminal
