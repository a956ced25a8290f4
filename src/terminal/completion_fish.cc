// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "terminal/internal/completion.h"

namespace valetkey::terminal {
namespace {

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string complete(const Command& command) {
  return fmt::format("complete -c {} -n {}", command.root().name,
                     fish_quoted(fmt::format("test (__{}_at) = \"{}\"", command.root().name,
                                             command.full_name())));
}

std::string line_of(const Command& command, const Option& option) {
  std::string out = complete(command);
  for (const std::string& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (!option.is_flag()) out += names_file(option) ? " -r -F" : " -x";
  if (!option.value.choices.empty())
    out += " -a " + fish_quoted(fmt::format("{}", fmt::join(option.value.choices, " ")));
  return out + " -d " + fish_quoted(option.about) + "\n";
}

struct Parts {
  std::string commands, taking, lines;

  void add(const Command& command) {
    for (const Command& each : command.commands) {
      commands += fmt::format("            case {}\n                set at {}\n",
                              fish_quoted(each.full_name()), fish_quoted(each.full_name()));
      lines +=
          fmt::format("{} -a {} -d {}\n", complete(command), each.name, fish_quoted(each.about));
    }
    for (const Option* option : options_of(command)) {
      lines += line_of(command, *option);
      if (option->is_flag()) continue;
      for (const std::string& name : option->names)
        taking += " " + fish_quoted(command.full_name() + " " + name);
    }
    for (const Option& argument : command.arguments)
      if (!argument.value.choices.empty())
        lines +=
            fmt::format("{} -a {}\n", complete(command),
                        fish_quoted(fmt::format("{}", fmt::join(argument.value.choices, " "))));
    if (!command.arguments.empty() && names_file(command.arguments.front()))
      lines += complete(command) + " -F\n";
  }
};

}  // namespace

std::string fish_completion(const Command& program) {
  Parts parts;
  for_each(program, [&parts](const Command& command) { parts.add(command); });
  return fmt::format(
      R"(# fish completion of {0}, as `{0} completion fish` prints it
function __{0}_at
    set -l at {0}
    set -l skip
    for word in (commandline -opc)[2..-1]
        if test -n "$skip"
            set skip
            continue
        end
        switch "$at $word"
{1}            case{2}
                set skip yes
        end
    end
    echo $at
end
complete -c {0} -f
{3})",
      program.name, parts.commands, parts.taking, parts.lines);
}

}  // namespace valetkey::terminal
