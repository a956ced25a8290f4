// SPDX-License-Identifier: Apache-2.0
#include "terminal/command.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "terminal/size.h"

namespace valetkey::terminal {

Value::Value(std::string& out)
    : set([&out](std::string_view text) {
        out = text;
        return true;
      }) {}

Value::Value(std::optional<std::string>& out)
    : set([&out](std::string_view text) {
        out = text;
        return true;
      }) {}

Value::Value(std::vector<std::string>& out)
    : set([&out](std::string_view text) {
        out.emplace_back(text);
        return true;
      }),
      many(true) {}

Value flag(bool& out) {
  return Value([&out](std::string_view) { return out = true; });
}

Value choice(Value text, std::vector<std::string> choices) {
  const bool many = text.many;
  Value value([choices, set = std::move(text.set)](std::string_view given) {
    return std::ranges::find(choices, given) != choices.end() && set(given);
  });
  value.accepts = joined(choices);
  value.many = many;
  value.choices = std::move(choices);
  return value;
}

Value text(std::string& out, std::function<bool(std::string_view)> fits, std::string accepts) {
  Value value([&out, fits = std::move(fits)](std::string_view given) {
    if (!fits(given)) return false;
    out = given;
    return true;
  });
  value.accepts = std::move(accepts);
  return value;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least,
                                          std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number < least || number > most) return std::nullopt;
  return number;
}

Value number(std::function<void(std::uint64_t)> out, std::uint64_t least, std::uint64_t most) {
  Value value([out = std::move(out), least, most](std::string_view text) {
    const auto parsed = parse_number(text, least, most);
    if (parsed) out(*parsed);
    return parsed.has_value();
  });
  value.accepts = fmt::format("a whole number from {} to {}", least, most);
  return value;
}

Value size(std::function<void(std::uint64_t)> out, std::uint64_t most) {
  Value value([out = std::move(out), most](std::string_view text) {
    const auto parsed = parse_size(text);
    if (!parsed || *parsed > most) return false;
    out(*parsed);
    return true;
  });
  value.accepts = kSizeForm;
  if (most < INT64_MAX) value.accepts += fmt::format(", {} at most", size_text(most));
  return value;
}

Value size(std::uint64_t& out, std::uint64_t most) {
  return size([&out](std::uint64_t n) { out = n; }, most);
}

Value size(std::optional<std::uint64_t>& out, std::uint64_t most) {
  return size([&out](std::uint64_t n) { out = n; }, most);
}

Value duration(std::function<void(milliseconds)> out, milliseconds least, milliseconds most) {
  Value value([out = std::move(out), least, most](std::string_view text) {
    const auto read = read_duration(text);
    if (!read || *read < least || *read > most) return false;
    out(*read);
    return true;
  });
  value.accepts = fmt::format("{}, from {} to {}", kDurationForm, format_duration(least),
                              format_duration(most));
  return value;
}

Value duration(std::optional<milliseconds>& out, milliseconds least, milliseconds most) {
  return duration([&out](milliseconds length) { out = length; }, least, most);
}

Value days(std::optional<std::chrono::days>& out, std::chrono::days least) {
  Value value([&out, least](std::string_view text) {
    const auto read = read_days(text);
    if (!read || *read < least) return false;
    out = read;
    return true;
  });
  value.accepts = kDaysForm;
  return value;
}

Value day(std::optional<Day>& out) { return parsed(Day::parse, out, std::string(kDayForm)); }

Value instant(std::optional<Instant>& out) {
  return parsed(Instant::parse, out, std::string(kInstantForm));
}

Option& Option::required(bool is) {
  needed = is;
  return *this;
}

Option& Option::from(std::string environment_variable) {
  variable = std::move(environment_variable);
  return *this;
}

Option& Option::by_default(std::string text) {
  by_default_ = std::move(text);
  return *this;
}

Command& Command::command(std::string command_name, std::string what) {
  Command& added = commands.emplace_back(std::move(command_name), std::move(what));
  added.parent = this;
  return added;
}

Option& Command::option(std::string_view names, Value value, std::string value_name,
                        std::string what) {
  Option added{{}, std::move(value_name), std::move(value), std::move(what)};
  while (!names.empty()) {
    const auto comma = std::min(names.find(','), names.size());
    added.names.emplace_back(names.substr(0, comma));
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return options.emplace_back(std::move(added));
}

Option& Command::flag(std::string_view names, bool& out, std::string what) {
  return option(names, terminal::flag(out), "", std::move(what));
}

Option& Command::argument(std::string value_name, Value value, std::string what) {
  return arguments.emplace_back(
      Option{{}, std::move(value_name), std::move(value), std::move(what), true});
}

Command& Command::example(std::string line) {
  examples.push_back(std::move(line));
  return *this;
}

Command& Command::explain(std::string paragraph) {
  explanations.push_back(std::move(paragraph));
  return *this;
}

std::string Command::path() const {
  return parent == nullptr || parent->parent == nullptr ? name : parent->path() + " " + name;
}

std::string Command::full_name() const {
  return parent == nullptr ? name : parent->full_name() + " " + name;
}

const Command& Command::root() const { return parent == nullptr ? *this : parent->root(); }

const Command* Command::find(std::string_view wanted) const {
  const auto found = std::ranges::find(commands, wanted, &Command::name);
  return found == commands.end() ? nullptr : &*found;
}

std::string joined(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 < words.size() ? ", " : fmt::format(" {} ", last);
    out += words[i];
  }
  return out;
}

}  // namespace valetkey::terminal
