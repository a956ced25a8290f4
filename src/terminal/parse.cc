// SPDX-License-Identifier: Apache-2.0
// From words to a command: the only place that words wrong usage.
#include <fmt/format.h>

#include <map>

#include "terminal/command.h"
#include "terminal/internal/completion.h"
#include "terminal/nearest.h"
#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

std::unexpected<Error> wrong(std::string sentence) {
  return fail(ErrorCode::invalid, std::move(sentence));
}

// What was typed, for a message. A token may have strayed here: of a long word only the front.
std::string shown(std::string_view word) {
  constexpr std::size_t kWhole = 24, kFront = 8;
  const std::string text = printable(word);
  return fmt::format("`{}`", width_of(text) > kWhole ? cut(text, kFront) : text);
}

// "--name NAME" or "ID".
std::string spelled(const Option& option) {
  if (option.names.empty() || option.is_flag()) return option.name();
  return option.name() + " " + option.value_name;
}

std::string see_help(const Command& command) {
  return fmt::format("`{} --help` explains it", command.full_name());
}

std::vector<std::string> names_of(const std::list<Command>& commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.push_back(command.name);
  return names;
}

void add_long_names(const Command& command, std::vector<std::string>& names) {
  for (const Option& option : command.options)
    for (const std::string& name : option.names)
      if (name.starts_with("--")) names.push_back(name);
}

class Parser {
 public:
  Parser(const Command& program, const std::vector<std::string_view>& words, const Environment& env)
      : program_(program), at_(&program), words_(words), env_(env) {}
  Result<Choice> parse();

 private:
  bool more() const { return next_ < words_.size(); }
  Result<void> take_word(std::string_view word);
  Result<void> take_long(std::string_view word);
  Result<void> take_short(std::string_view word);
  Result<void> take_plain(std::string_view word);
  Result<void> take_value(const Option& option, std::optional<std::string_view> attached);
  Result<void> take_rest();
  Result<void> store(const Option& option, std::string_view text);
  Result<void> enter(const Command& command);
  Result<void> finish();
  Result<void> take_environment();

  const Option* find(std::string_view name) const;
  bool looks_like_option(std::string_view word) const;
  std::unexpected<Error> no_command(std::string_view word) const;
  std::unexpected<Error> no_option(std::string_view name) const;
  std::unexpected<Error> too_many(std::string_view word) const;
  Result<Choice> help_on();

  const Command& program_;
  const Command* at_;
  const std::vector<std::string_view>& words_;
  const Environment& env_;
  std::size_t next_ = 0;
  std::size_t arguments_ = 0;
  std::optional<Asked> asked_;
  std::map<const Option*, int> given_;
};

Result<Choice> Parser::parse() {
  if (!words_.empty() && words_[0] == "help" && program_.find("help") == nullptr) return help_on();
  while (more() && !asked_) {
    const std::string_view word = words_[next_++];
    if (word == "--") {
      VALETKEY_CHECK(take_rest());
    } else {
      VALETKEY_CHECK(take_word(word));
    }
  }
  if (asked_) return Choice{at_, *asked_};
  VALETKEY_CHECK(finish());
  return Choice{at_};
}

// `valetkeyd help account create`.
Result<Choice> Parser::help_on() {
  for (next_ = 1; more(); ++next_) {
    const Command* const named = at_->find(words_[next_]);
    if (named == nullptr) return no_command(words_[next_]);
    at_ = named;
  }
  return Choice{at_, Asked::help};
}

Result<void> Parser::take_word(std::string_view word) {
  if (word == "--help" || word == "-h") {
    asked_ = Asked::help;
    return {};
  }
  if (word == "--version" && at_ == &program_) {
    asked_ = Asked::version;
    return {};
  }
  if (word.starts_with("--")) return take_long(word);
  if (word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9'))
    return take_short(word);
  return take_plain(word);
}

// Of the command itself, or of the program.
const Option* Parser::find(std::string_view name) const {
  for (const Command* owner : {at_, &program_})
    for (const Option& option : owner->options)
      if (std::ranges::find(option.names, name) != option.names.end()) return &option;
  return nullptr;
}

Result<void> Parser::take_long(std::string_view word) {
  const auto equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const Option* const option = find(name);
  if (option == nullptr) return no_option(name);
  std::optional<std::string_view> attached;
  if (equals != std::string_view::npos) attached = word.substr(equals + 1);
  return take_value(*option, attached);
}

// -o FILE, -oFILE, and flags together: -rv.
Result<void> Parser::take_short(std::string_view word) {
  for (std::string_view rest = word.substr(1); !rest.empty();) {
    const std::string name{'-', rest[0]};
    const Option* const option = find(name);
    // A long one with a single dash is meant as a whole.
    if (option == nullptr)
      return no_option(word.size() > 2 && rest.size() + 1 == word.size() ? word : name);
    rest.remove_prefix(1);
    if (!option->is_flag())
      return take_value(*option, rest.empty() ? std::nullopt : std::optional(rest));
    VALETKEY_CHECK(store(*option, ""));
  }
  return {};
}

bool Parser::looks_like_option(std::string_view word) const {
  return word.starts_with("--") || (word.size() == 2 && find(word) != nullptr);
}

Result<void> Parser::take_value(const Option& option, std::optional<std::string_view> attached) {
  if (option.is_flag()) {
    if (attached) return wrong(fmt::format("{} takes no value", option.name()));
    return store(option, "");
  }
  if (attached) return store(option, *attached);
  if (!more() || looks_like_option(words_[next_]))
    return wrong(fmt::format("{} needs a value: {}", option.name(), spelled(option)));
  return store(option, words_[next_++]);
}

Result<void> Parser::store(const Option& option, std::string_view text) {
  if (given_[&option]++ > 0 && !option.value.many && !option.is_flag())
    return wrong(fmt::format("{} is given twice", option.name()));
  if (text.empty() && names_file(option))  // as of a variable that is not set
    return wrong(fmt::format("{} names a file or a folder, and is empty", option.name()));
  if (option.value.set(text)) return {};
  return wrong(
      fmt::format("{} takes {}, not {}", option.name(), option.value.accepts, shown(text)));
}

Result<void> Parser::enter(const Command& command) {
  for (const Option& option : at_->options)
    if (at_ != &program_ && given_.contains(&option))
      return wrong(fmt::format("{} is an option of `{}`, not of `{}`", option.name(), at_->path(),
                               command.path()));
  at_ = &command;
  return {};
}

Result<void> Parser::take_plain(std::string_view word) {
  if (const Command* const named = at_->find(word)) return enter(*named);
  if (!at_->commands.empty()) return no_command(word);
  if (arguments_ == at_->arguments.size()) return too_many(word);
  const Option& argument = at_->arguments[arguments_];
  if (!argument.value.many) ++arguments_;
  return store(argument, word);
}

// Behind "--" come another command's words, where this one runs one; else arguments.
Result<void> Parser::take_rest() {
  while (more()) {
    const std::string_view word = words_[next_++];
    if (at_->rest != nullptr) {
      at_->rest->emplace_back(word);
    } else {
      VALETKEY_CHECK(take_plain(word));
    }
  }
  return {};
}

Result<void> Parser::take_environment() {
  for (const Command* owner : {at_, &program_}) {
    for (const Option& option : owner->options) {
      if (option.variable.empty() || given_.contains(&option)) continue;
      const char* const text = env_(option.variable.c_str());
      if (text == nullptr || *text == '\0') continue;
      if (!option.value.set(text))
        return wrong(fmt::format("{} must be {}", option.variable, option.value.accepts));
      given_[&option] = 1;
    }
  }
  return {};
}

Result<void> Parser::finish() {
  if (at_->is_group()) {
    const std::string list = joined(names_of(at_->commands));
    if (at_ == &program_)
      return wrong(
          fmt::format("a command is missing: {}; `{} --help` explains them", list, program_.name));
    return wrong(fmt::format("{} needs a sub-command: {}; `{} --help` explains them", at_->path(),
                             list, at_->full_name()));
  }
  VALETKEY_CHECK(take_environment());
  std::vector<std::string> missing;
  for (const auto* declared : {&at_->arguments, &at_->options})
    for (const Option& option : *declared)
      if (option.needed && !given_.contains(&option)) missing.push_back(spelled(option));
  if (!missing.empty())
    return wrong(
        fmt::format("{} needs {}; {}", at_->path(), joined(missing, "and"), see_help(*at_)));
  if (at_->check) VALETKEY_CHECK(at_->check());
  return {};
}

std::unexpected<Error> Parser::no_command(std::string_view word) const {
  const std::string before = at_ == &program_ ? "" : at_->path() + " ";
  auto candidates = names_of(at_->commands);
  std::string meant = nearest(word, candidates);
  if (meant.empty() && at_ == &program_ && (word == "version" || word == "help"))
    meant = fmt::format("--{}", word);
  if (!meant.empty())
    return wrong(fmt::format("there is no command `{}{}; did you mean `{}{}`?", before,
                             shown(word).substr(1), before, meant));
  if (at_ == &program_)
    return wrong(
        fmt::format("there is no command {}; `{} --help` lists them", shown(word), program_.name));
  return wrong(fmt::format("there is no command `{}{}; {} has {}", before, shown(word).substr(1),
                           at_->path(), joined(candidates, "and")));
}

std::unexpected<Error> Parser::no_option(std::string_view name) const {
  std::vector<std::string> candidates{"--help"};
  add_long_names(*at_, candidates);
  if (at_ != &program_) add_long_names(program_, candidates);
  // -datadir is meant as --datadir.
  const std::string whole = name.starts_with("--") ? std::string(name) : "-" + std::string(name);
  const std::string meant = name.size() > 2 ? nearest(whole, candidates) : "";
  const std::string text = cut(printable(name), 40);
  if (!meant.empty())
    return wrong(fmt::format("{} has no option {}; did you mean {}?", at_->path(), text, meant));
  for (const Command& command : at_->commands)
    for (const Option& option : command.options)
      if (std::ranges::find(option.names, name) != option.names.end())
        return wrong(fmt::format("{} goes behind a command that takes it, as in `{} {}`", text,
                                 command.full_name(), spelled(option)));
  return wrong(fmt::format("{} has no option {}; {}", at_->path(), text, see_help(*at_)));
}

std::unexpected<Error> Parser::too_many(std::string_view word) const {
  std::vector<std::string> candidates;
  add_long_names(*at_, candidates);
  add_long_names(program_, candidates);
  // A letter or two are near to much.
  const std::string meant = word.size() > 3 ? nearest("--" + std::string(word), candidates) : "";
  if (!meant.empty())
    return wrong(
        fmt::format("{} has no use for {}; did you mean {}?", at_->path(), shown(word), meant));
  if (at_->arguments.empty())
    return wrong(fmt::format("{} takes no argument such as {}; {}", at_->path(), shown(word),
                             see_help(*at_)));
  std::vector<std::string> names;
  for (const Option& argument : at_->arguments) names.push_back(argument.value_name);
  return wrong(fmt::format("{} takes {} and nothing more, so {} is too much; {}", at_->path(),
                           joined(names, "and"), shown(word), see_help(*at_)));
}

}  // namespace

Result<Choice> parse(const Command& program, const std::vector<std::string_view>& words,
                     const Environment& env) {
  return Parser(program, words, env).parse();
}

}  // namespace valetkey::terminal
