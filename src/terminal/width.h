// SPDX-License-Identifier: Apache-2.0
// Text in columns of a terminal: UTF-8, where East Asian characters and emoji take two columns and
// combining ones none. Thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace valetkey::terminal {

// Columns of the window that the descriptor writes to; nothing where that is no terminal.
std::optional<std::size_t> columns_of(int descriptor);

// The text with a '?' for each byte that is no UTF-8 and for each character that would move the
// cursor, start a command to the terminal, or turn the direction of the text behind it. Names are
// shown through this, since any sender of events may choose them.
std::string printable(std::string_view text);

std::size_t width_of(std::string_view text);
// At most `columns` wide; what was cut off the end, or out of the middle, is a "…".
std::string cut(std::string_view text, std::size_t columns);
std::string cut_middle(std::string_view text, std::size_t columns);
// With spaces behind it, or before it, up to `columns`.
std::string pad(std::string_view text, std::size_t columns);
std::string pad_left(std::string_view text, std::size_t columns);

// Lines of at most `columns`, broken between words; a word that is wider has a line of its own.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);
// A command for a shell in lines of at most `columns`, each but the last with a \ at its end:
// broken at spaces outside of quotes, so that it still runs when it is copied.
std::vector<std::string> wrap_command(std::string_view command, std::size_t columns);

}  // namespace valetkey::terminal
