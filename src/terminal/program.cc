// SPDX-License-Identifier: Apache-2.0
#include "terminal/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "terminal/internal/completion.h"
#include "terminal/internal/help.h"
#include "terminal/internal/manual.h"
#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

std::size_t help_columns(const std::ostream& out, const Environment& env) {
  if (&out == &std::cout)
    if (const auto columns = columns_of(STDOUT_FILENO)) return *columns;
  const char* const text = env("COLUMNS");
  return parse_number(text ? text : "", 20, 1000).value_or(kHelpColumns);
}

// What is made from the table for others to read; empty for every other command.
std::string made_from(const Command& program, const Command& command) {
  if (command.parent == &program && command.name == "manual") return manual(program);
  if (command.parent->name != "completion") return "";
  if (command.name == "bash") return bash_completion(program);
  return command.name == "zsh" ? zsh_completion(program) : fish_completion(program);
}

}  // namespace

void add_shell_commands(Command& program) {
  const std::string& name = program.name;
  Command& group = program.command("completion", "Print a script by which a shell completes");
  group.explain(
      "The Debian package has installed them already. They know every command and option, and "
      "run nothing.");
  group.example(fmt::format("source <({} completion bash)", name));
  Command& bash = group.command("bash", "The script for bash");
  bash.example("# in this shell").example(fmt::format("source <({} completion bash)", name));
  bash.example("# in every one")
      .example(fmt::format("{0} completion bash > ~/.local/share/bash-completion/completions/{0}",
                           name));
  Command& zsh = group.command("zsh", "The script for zsh");
  zsh.example("# in this shell").example(fmt::format("source <({} completion zsh)", name));
  zsh.example("# in every one, if ~/.zfunc is in $fpath")
      .example(fmt::format("{0} completion zsh > ~/.zfunc/_{0}", name));
  Command& fish = group.command("fish", "The script for fish");
  fish.example("# in this shell").example(fmt::format("{} completion fish | source", name));
  fish.example("# in every one")
      .example(fmt::format("{0} completion fish > ~/.config/fish/completions/{0}.fish", name));
  program.command("manual", "Print the manual page, for man")
      .example(fmt::format("{} manual | man -l -", name))
      .example(fmt::format("{0} manual > ~/.local/share/man/man{1}/{0}.{1}", name,
                           name.ends_with('d') ? 8 : 1));
}

Chosen choose(const Command& program, const std::vector<std::string_view>& words, Streams streams,
              const Environment& env) {
  const auto choice = parse(program, words, env);
  if (!choice) {
    streams.err << program.name << ": " << choice.error().detail << '\n';
    return {nullptr, 2};
  }
  switch (choice->asked) {
    case Asked::help:
      streams.out << help(*choice->command, help_columns(streams.out, env));
      return {};
    case Asked::version:
      streams.out << program.version << '\n';
      return {};
    case Asked::run:
      break;
  }
  const std::string text = made_from(program, *choice->command);
  if (text.empty()) return {choice->command, 0};
  streams.out << text;
  return {};
}

}  // namespace valetkey::terminal
