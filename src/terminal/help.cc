// SPDX-License-Identifier: Apache-2.0
#include "terminal/internal/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

struct Form {
  const char* value_name;
  const char* text;
};
constexpr Form kForms[] = {
    {"SIZE",
     "SIZE is a number of bytes, with a unit or without one: 500, 10MiB, 1.5GB. kB, MB, GB and TB "
     "are powers of 1000; KiB, MiB, GiB and TiB, and K, M, G and T alone, are powers of 1024."},
    {"DURATION", "DURATION is a whole number and a unit: 2w, 90d, 12h, 15m, 30s or 200ms."},
    {"DAYS", "DAYS are whole days or weeks: 30d or 4w."},
    {"DAY",
     "DAY is a date such as 2026-01-31, today, yesterday, or days or weeks ago such as 7d or 2w; "
     "days are those of UTC."},
    {"WHEN",
     "WHEN is a time ago such as 24h or 7d, a date such as 2026-01-31, today, yesterday, or an "
     "instant such as 2026-01-31T12:00:00Z."},
};

using Rows = std::vector<std::pair<std::string, std::string>>;  // a word, its meaning

class Page {
 public:
  explicit Page(std::size_t columns) : columns_(std::max<std::size_t>(columns, 20)) {}

  void paragraph(std::string_view text) { lines(wrap(text, columns_), ""); }
  void indented(std::string_view text) { lines(wrap(text, columns_ - 2), "  "); }
  void heading(std::string_view text) { out_.append("\n").append(text).append(":\n"); }
  // The meanings stand in a column of their own, where there is room for it.
  void list(const Rows& rows) {
    std::size_t widest = 0;
    for (const auto& [word, meaning] : rows) widest = std::max(widest, width_of(word));
    const std::size_t most = columns_ / 3;
    const std::size_t indent = 2 + std::min(widest, most) + 2;
    for (const auto& [word, meaning] : rows) {
      const auto texts = wrap(meaning, columns_ - indent);
      const bool fits = width_of(word) <= most;
      out_ += fits ? "  " + pad(word, indent - 2) + texts[0] + "\n" : word_alone(word);
      for (std::size_t i = fits ? 1 : 0; i < texts.size(); ++i)
        out_ += std::string(indent, ' ') + texts[i] + "\n";
    }
  }
  void examples(const std::vector<std::string>& commands) {
    for (const std::string& line : commands) {
      if (line.starts_with("# "))  // each line: what is pasted must not run
        lines(wrap(line.substr(2), columns_ - 4), "  # ");
      else
        lines(wrap_command(line, columns_ - 2), "  ");
    }
  }
  std::string text() && { return std::move(out_); }

 private:
  std::string word_alone(const std::string& word) const {
    std::string out;
    for (const auto& line : wrap(word, columns_ - 2)) out += "  " + line + "\n";
    return out;
  }
  void lines(const std::vector<std::string>& texts, const char* indent) {
    for (const std::string& text : texts) out_.append(indent).append(text).append("\n");
  }
  std::size_t columns_;
  std::string out_;
};

Rows rows_of(const std::deque<Option>& options) {
  Rows rows;
  for (const Option& option : options) rows.emplace_back(spelling(option), meaning(option));
  return rows;
}

bool takes(const Command& command, std::string_view value_name) {
  for (const auto* declared : {&command.options, &command.arguments})
    for (const Option& option : *declared)
      if (option.value_name == value_name) return true;
  return false;
}

void add_commands(Page& page, const Command& command) {
  if (command.commands.empty()) return;
  Rows rows;
  for (const Command& each : command.commands) rows.emplace_back(each.name, each.about);
  page.heading(command.parent == nullptr ? "Commands" : "Sub-commands");
  page.list(rows);
}

}  // namespace

std::string usage(const Command& command) {
  std::string out = command.full_name();
  for (const Option& option : command.options)
    if (option.needed) out += " " + option.name() + " " + option.value_name;
  for (const Option& argument : command.arguments) {
    const std::string name = argument.value_name + (argument.value.many ? " …" : "");
    out += argument.needed ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) out += command.runs_alone ? " [COMMAND]" : " COMMAND";
  if (std::ranges::any_of(command.options, [](const Option& o) { return !o.needed; }) ||
      command.parent != nullptr)
    out += " [OPTION …]";
  return command.rest == nullptr ? out : out + " [-- " + command.rest_name + "]";
}

std::string spelling(const Option& option) {
  std::string out;
  // The short name first, as everywhere.
  for (std::size_t i = option.names.size(); i-- > 0;)
    out += (out.empty() ? "" : ", ") + option.names[i];
  if (option.value_name.empty()) return out;
  return out.empty() ? option.value_name : out + " " + option.value_name;
}

std::string meaning(const Option& option) {
  std::vector<std::string> notes;
  if (option.needed && !option.names.empty()) notes.emplace_back("required");
  if (!option.value.choices.empty()) notes.push_back(option.value.accepts);
  if (!option.by_default_.empty()) notes.push_back("default: " + option.by_default_);
  if (!option.variable.empty()) notes.push_back("or " + option.variable);
  if (option.value.many && !option.names.empty()) notes.emplace_back("may be given again");
  std::string out = option.about;
  for (std::size_t i = 0; i < notes.size(); ++i) out += (i == 0 ? " (" : "; ") + notes[i];
  return notes.empty() ? out : out + ")";
}

std::vector<std::string> forms(const Command& command) {
  std::vector<std::string> out;
  for (const Form& form : kForms)
    if (takes(command, form.value_name)) out.emplace_back(form.text);
  return out;
}

std::string help(const Command& command, std::size_t columns) {
  Page page(columns);
  page.paragraph(command.about + ".");
  for (const std::string& text : command.explanations) {
    page.paragraph("");
    page.paragraph(text);
  }
  page.heading("Usage");
  page.indented(usage(command));
  add_commands(page, command);
  if (!command.arguments.empty()) {
    page.heading("Arguments");
    page.list(rows_of(command.arguments));
  }
  Rows options = rows_of(command.options);
  options.emplace_back("-h, --help", "Print this");
  if (command.parent == nullptr) options.emplace_back("--version", "Print the version");
  page.heading("Options");
  page.list(options);
  if (command.parent != nullptr && !command.root().options.empty()) {
    page.heading("Options of every command");
    page.list(rows_of(command.root().options));
  }
  for (const std::string& form : forms(command)) {
    page.paragraph("");
    page.paragraph(form);
  }
  page.heading(command.parent == nullptr ? "First steps" : "Examples");
  page.examples(command.examples);
  return std::move(page).text();
}

}  // namespace valetkey::terminal
