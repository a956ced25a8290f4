// SPDX-License-Identifier: Apache-2.0
#include "terminal/internal/manual.h"

#include <fmt/format.h>

#include <map>

#include "terminal/internal/completion.h"
#include "terminal/internal/help.h"

namespace valetkey::terminal {
namespace {

// What roff would take for a request or an escape is spelled out.
std::string roff(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("…")) {
      out += "\\&...";
      text.remove_prefix(std::string_view("…").size());
      continue;
    }
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '`' || c == '\'')
      out += c == '`' ? "\\(ga" : "\\(aq";
    else if (c == '"')
      out += "\\(dq";
    else if (c == '.' && out.empty())
      out += "\\&.";
    else
      out += c;
  }
  return out;
}

std::string listed(const std::deque<Option>& options) {
  std::string out;
  for (const Option& option : options)
    out += fmt::format(".TP\n\\fB{}\\fR\n{}.\n", roff(spelling(option)), roff(meaning(option)));
  return out;
}

std::string block(const std::vector<std::string>& lines) {
  std::string out = ".PP\n.nf\n.RS 4\n";
  for (const std::string& line : lines) out += roff(line) + "\n";
  return out + ".RE\n.fi\n";
}

std::string section_of(const Command& command) {
  std::string out = fmt::format(".SS {}\n{}.\n", roff(command.path()), roff(command.about));
  for (const std::string& text : command.explanations) out += ".PP\n" + roff(text) + "\n";
  out += block({usage(command)});
  out += listed(command.arguments) + listed(command.options);
  for (const std::string& form : forms(command)) out += ".PP\n" + roff(form) + "\n";
  return command.examples.empty() ? out : out + ".PP\nExamples:\n" + block(command.examples);
}

std::string variables_of(const Command& program) {
  std::map<std::string, std::string> found;
  for_each(program, [&found](const Command& command) {
    for (const Option& option : command.options)
      if (!option.variable.empty()) found[option.variable] = option.name();
  });
  std::string out;
  for (const auto& [variable, option] : found)
    out +=
        fmt::format(".TP\n\\fB{}\\fR\nFor where {} is not given.\n", roff(variable), roff(option));
  return out.empty() ? out : ".SH ENVIRONMENT\n" + out;
}

}  // namespace

std::string manual(const Command& program) {
  const bool daemon = program.name.ends_with('d');
  std::string upper;
  for (const char c : program.name) upper += static_cast<char>(c - 'a' + 'A');
  std::string out = fmt::format(
      ".TH {} {} \"\" \"{}\" \"Valetkey\"\n.SH NAME\n{} \\- {}\n.SH SYNOPSIS\n.B {}\n.I COMMAND\n"
      "[\\fIOPTION\\fR \\&...]\n.SH DESCRIPTION\n{}.\n",
      upper, daemon ? 8 : 1, roff(program.version), program.name, roff(program.about), program.name,
      roff(program.about));
  for (const std::string& text : program.explanations) out += ".PP\n" + roff(text) + "\n";
  if (!program.options.empty())
    out += ".SH OPTIONS\nEvery command takes these.\n" + listed(program.options);
  out += ".SH COMMANDS\n";
  for_each(program, [&out, &program](const Command& command) {
    if (&command != &program) out += section_of(command);
  });
  out += variables_of(program);
  out +=
      ".SH EXIT STATUS\n0: it is done. 1: it failed, and standard error says why. 2: the command "
      "line is wrong.\n.SH EXAMPLES\nFirst steps:\n" +
      block(program.examples);
  return out + ".SH SEE ALSO\n" + (daemon ? ".BR valetkey (1)\n" : ".BR valetkeyd (8)\n");
}

}  // namespace valetkey::terminal
