// SPDX-License-Identifier: Apache-2.0
// The table of a program's commands: what its command line is parsed by, and what its help, its
// completion and its manual are made from. Not thread-safe.
#pragma once

#include <concepts>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "terminal/time_words.h"

namespace valetkey::terminal {

using Environment = std::function<const char*(const char* name)>;  // null: not set

// Where what is given for an option goes.
struct Value {
  std::function<bool(std::string_view)> set;  // false: it is not what the option accepts
  std::string accepts = {};                   // "a whole number from 1 to 256"; empty: any text
  std::vector<std::string> choices = {};
  bool many = false;  // may be given again and again

  Value(std::string& out);                 // NOLINT(google-explicit-constructor)
  Value(std::optional<std::string>& out);  // NOLINT(google-explicit-constructor)
  Value(std::vector<std::string>& out);    // NOLINT(google-explicit-constructor)
  explicit Value(std::function<bool(std::string_view)> setter) : set(std::move(setter)) {}
};

Value flag(bool& out);
// Text of a form that `fits`: "an account's id of 1 to 20 digits, such as 12345".
Value text(std::string& out, std::function<bool(std::string_view)> fits, std::string accepts);
// One of these words, of which the help and the completion tell.
Value choice(Value text, std::vector<std::string> choices);

// nothing: it is no whole number within the bounds.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least,
                                          std::uint64_t most);
Value number(std::function<void(std::uint64_t)> out, std::uint64_t least, std::uint64_t most);
template <std::integral Number>
Value number(Number& out, std::uint64_t least, std::uint64_t most) {
  return number([&out](std::uint64_t n) { out = static_cast<Number>(n); }, least, most);
}
template <std::integral Number>
Value number(std::optional<Number>& out, std::uint64_t least, std::uint64_t most) {
  return number([&out](std::uint64_t n) { out = static_cast<Number>(n); }, least, most);
}
// Bytes, with a unit or without one (terminal/size.h).
Value size(std::function<void(std::uint64_t)> out, std::uint64_t most = INT64_MAX);
Value size(std::uint64_t& out, std::uint64_t most = INT64_MAX);
Value size(std::optional<std::uint64_t>& out, std::uint64_t most = INT64_MAX);

// A length of time, of whole days, a day or an instant (terminal/time_words.h); the bounds are
// included.
Value duration(std::function<void(milliseconds)> out, milliseconds least, milliseconds most);
Value duration(std::optional<milliseconds>& out, milliseconds least, milliseconds most);
Value days(std::optional<std::chrono::days>& out, std::chrono::days least);
Value day(std::optional<Day>& out);
Value instant(std::optional<Instant>& out);
// What `parse` makes of the text; nothing: it is not what is accepted.
template <class T, class Out>
Value parsed(std::optional<T> (*parse)(std::string_view), Out& out, std::string accepts) {
  Value value([parse, &out](std::string_view text) {
    auto made = parse(text);
    if (made) out = std::move(*made);
    return made.has_value();
  });
  value.accepts = std::move(accepts);
  return value;
}

struct Option {                    // or an argument, or a flag
  std::vector<std::string> names;  // "--output", "-o"; none: an argument
  std::string value_name;          // "FOLDER"; empty: a flag
  Value value;
  std::string about;
  bool needed = false;
  std::string variable = {};     // of the environment, for where it is not given
  std::string by_default_ = {};  // what holds where it is not given

  Option& required(bool is = true);
  Option& from(std::string environment_variable);
  Option& by_default(std::string text);
  const std::string& name() const { return names.empty() ? value_name : names.front(); }
  bool is_flag() const { return value_name.empty(); }
};

struct Command {
  Command(std::string command_name, std::string what)
      : name(std::move(command_name)), about(std::move(what)) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command& command(std::string name, std::string about);
  // `names`: "--output,-o". `value_name` stands for the value in the help: FOLDER.
  Option& option(std::string_view names, Value value, std::string value_name, std::string about);
  Option& flag(std::string_view names, bool& out, std::string about);
  Option& argument(std::string value_name, Value value, std::string about);  // required
  // A line as people would type it; one that begins with # says what the next one does.
  Command& example(std::string line);
  Command& explain(std::string paragraph);

  std::string path() const;       // "account create"; of the program itself its name
  std::string full_name() const;  // "valetkeyd account create"
  const Command& root() const;
  const Command* find(std::string_view name) const;  // a sub-command, or null
  bool is_group() const { return !commands.empty() && !runs_alone; }

  std::string name, about;
  const Command* parent = nullptr;
  std::vector<std::string> explanations, examples;
  std::list<Command> commands;               // their addresses stay
  std::deque<Option> options;                // of the program itself: may follow every command
  std::deque<Option> arguments;              // in this order
  std::vector<std::string>* rest = nullptr;  // gets the words behind "--"
  std::string rest_name, rest_about;
  bool runs_alone = false;              // although it has sub-commands
  std::function<Result<void>()> check;  // what no option alone can tell; its error is wrong usage
  std::string version;                  // of the program: what --version prints
};

enum class Asked : std::uint8_t { run, help, version };
struct Choice {
  const Command* command;
  Asked asked = Asked::run;
};

// Which command the words (without the program's name) are, after their values were stored.
// `invalid`: wrong usage, in one sentence without the program's name. Words that may be a secret
// are not repeated in it.
Result<Choice> parse(const Command& program, const std::vector<std::string_view>& words,
                     const Environment& env);

// "a, b or c".
std::string joined(const std::vector<std::string>& words, std::string_view last = "or");

}  // namespace valetkey::terminal
