// SPDX-License-Identifier: Apache-2.0
#include "terminal/internal/completion.h"

#include <algorithm>
#include <array>

namespace valetkey::terminal {

void for_each(const Command& command, const std::function<void(const Command&)>& visit) {
  visit(command);
  for (const Command& each : command.commands) for_each(each, visit);
}

std::vector<const Option*> options_of(const Command& command) {
  static const Option help{
      {"--help", "-h"}, "", Value([](std::string_view) { return true; }), "Print its help"};
  std::vector<const Option*> found;
  for (const Option& option : command.options) found.push_back(&option);
  if (command.parent != nullptr)
    for (const Option& option : command.root().options) found.push_back(&option);
  found.push_back(&help);
  return found;
}

bool names_file(const Option& option) {
  constexpr std::array<std::string_view, 4> kNames{"DIR", "FILE", "DEST", "SRC"};
  return std::ranges::find(kNames, option.value_name) != kNames.end();
}

std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace valetkey::terminal
