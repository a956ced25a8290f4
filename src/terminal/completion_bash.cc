// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "terminal/internal/completion.h"

namespace valetkey::terminal {
namespace {

// %F: the function, %P: the program, %C: the commands, %T: options that take a value, %V: what
// they take, %W: what may come next.
constexpr std::string_view kScript = R"(# bash completion of %P, as `%P completion bash` prints it
%F() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at=%P word i skip= options= others= files=
  COMPREPLY=()
  # Bash makes three words of --option=value.
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if [[ $word == = ]]; then skip=yes; continue; fi
    if [[ $skip ]]; then skip=; continue; fi
    if [[ $word == -- ]]; then compopt -o default 2>/dev/null; return; fi
    case "$at $word" in
%C      *) case "$at $word" in
%T        *) ;;
      esac ;;
    esac
  done
  case "$at $prev" in
%V    *)
      case $at in
%W      esac
      if [[ $cur == -* || -z $others$files ]]; then others=$options files=; fi ;;
  esac
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(compgen -W "$others" -- "$cur")
  fi
}
complete -F %F %P
)";

std::string patterns(const Command& command, const Option& option) {
  std::string out;
  for (const std::string& name : option.names)
    out += (out.empty() ? "" : " | ") + shell_quoted(command.full_name() + " " + name);
  return out;
}

struct Parts {
  std::string commands, taking, values, words;

  void add(const Command& command) {
    std::string options, others;
    for (const Option* option : options_of(command)) {
      for (const std::string& name : option->names) options += (options.empty() ? "" : " ") + name;
      if (option->is_flag()) continue;
      taking += fmt::format("        {}) skip=yes ;;\n", patterns(command, *option));
      values += fmt::format("    {}) {} ;;\n", patterns(command, *option), value_of(*option));
    }
    for (const Command& each : command.commands) {
      others += (others.empty() ? "" : " ") + each.name;
      commands += fmt::format("      {}) at={} ;;\n", shell_quoted(each.full_name()),
                              shell_quoted(each.full_name()));
    }
    for (const Option& argument : command.arguments)
      for (const std::string& choice : argument.value.choices)
        others += (others.empty() ? "" : " ") + choice;
    const bool files = !command.arguments.empty() && names_file(command.arguments.front());
    words += fmt::format("        {}) options={} others={} files={} ;;\n",
                         shell_quoted(command.full_name()), shell_quoted(options),
                         shell_quoted(others), files ? "yes" : "");
  }
  static std::string value_of(const Option& option) {
    if (names_file(option)) return "files=yes";
    if (option.value.choices.empty()) return "return";
    return "others=" + shell_quoted(fmt::format("{}", fmt::join(option.value.choices, " ")));
  }
};

}  // namespace

std::string bash_completion(const Command& program) {
  Parts parts;
  for_each(program, [&parts](const Command& command) { parts.add(command); });
  std::string out;
  for (std::size_t i = 0; i < kScript.size(); ++i) {
    // A % of bash's own is followed by something else.
    const std::size_t which =
        kScript[i] == '%' ? std::string_view("FPCTVW").find(kScript[i + 1]) : std::string::npos;
    if (which == std::string_view::npos) {
      out += kScript[i];
      continue;
    }
    const std::string texts[] = {"_" + program.name, program.name, parts.commands,
                                 parts.taking,       parts.values, parts.words};
    out += texts[which];
    ++i;
  }
  return out;
}

}  // namespace valetkey::terminal
