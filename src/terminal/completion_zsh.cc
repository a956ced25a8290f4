// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "terminal/internal/completion.h"

namespace valetkey::terminal {
namespace {

// "name:what it is for", as _describe takes it.
std::string described(const std::string& name, const std::string& about) {
  std::string out;
  for (const char c : name) out += c == ':' ? std::string("\\:") : std::string(1, c);
  return shell_quoted(out + ":" + about);
}

std::string patterns(const Command& command, const Option& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += (out.empty() ? "" : "|") + shell_quoted(command.full_name() + " " + name);
  return out;
}

std::string action(const Option& option) {
  if (names_file(option)) return "_files";
  if (option.value.choices.empty()) return "_message " + shell_quoted(option.about);
  return fmt::format("compadd -- {}", fmt::join(option.value.choices, " "));
}

struct Parts {
  std::string commands, taking, values, words;

  void add(const Command& command) {
    words += fmt::format("    {})\n", shell_quoted(command.full_name()));
    for (const Command& each : command.commands) {
      words += fmt::format("      others+=({})\n", described(each.name, each.about));
      commands += fmt::format("      {}) at={}; continue ;;\n", shell_quoted(each.full_name()),
                              shell_quoted(each.full_name()));
    }
    for (const Option* option : options_of(command)) {
      for (const std::string& name : option->names)
        words += fmt::format("      options+=({})\n", described(name, option->about));
      if (option->is_flag()) continue;
      taking += fmt::format("      {}) skip=yes ;;\n", patterns(command, *option));
      values += fmt::format("    {}) {}; return ;;\n", patterns(command, *option), action(*option));
    }
    for (const Option& argument : command.arguments)
      for (const std::string& choice : argument.value.choices)
        words += fmt::format("      others+=({})\n", described(choice, argument.about));
    if (!command.arguments.empty())
      words += fmt::format("      argument={}\n",
                           names_file(command.arguments.front())
                               ? "_files"
                               : "'_message " + command.arguments.front().value_name + "'");
    words += "      ;;\n";
  }
};

}  // namespace

std::string zsh_completion(const Command& program) {
  Parts parts;
  for_each(program, [&parts](const Command& command) { parts.add(command); });
  return fmt::format(
      R"(#compdef {0}
# zsh completion of {0}, as `{0} completion zsh` prints it
_{0}() {{
  local at={0} word skip= argument= prev=$words[CURRENT-1]
  local -a options others
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    if [[ -n $skip ]]; then skip=; continue; fi
    if [[ $word == -- ]]; then _files; return; fi
    case "$at $word" in
{1}    esac
    case "$at $word" in
{2}    esac
  done
  if [[ $words[CURRENT] == --*=* ]]; then prev=${{words[CURRENT]%%=*}}; compset -P '*='; fi
  case "$at $prev" in
{3}  esac
  case $at in
{4}  esac
  if [[ $words[CURRENT] == -* || ( -z $argument && $#others == 0 ) ]]; then
    _describe -o option options
  elif (( $#others )); then
    _describe command others
  else
    ${{(z)argument}}
  fi
}}
if [[ $funcstack[1] == _{0} ]]; then _{0} "$@"; else compdef _{0} {0}; fi
)",
      program.name, parts.commands, parts.taking, parts.values, parts.words);
}

}  // namespace valetkey::terminal
