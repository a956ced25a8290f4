// SPDX-License-Identifier: Apache-2.0
// How the value of a configuration key is read and shown; settings.cc is the list of keys.
#include <fmt/format.h>

#include <charconv>

#include "config/internal/settings.h"
#include "terminal/size.h"

namespace valetkey::config {
namespace {

std::unexpected<Error> must_be(std::string what) {
  return fail(ErrorCode::invalid, "must be " + std::move(what));
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const auto bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
  return false;
}

std::string spelled(std::string_view choices) {
  std::string out;
  for (const char c : choices) out += c == '|' ? std::string(", ") : std::string(1, c);
  return out;
}

// Text that could break a log line, a header or a shell has no use in any key.
bool is_plain(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  return true;
}

std::string bounds(const Setting& s) {
  return s.max == INT64_MAX ? fmt::format("at least {}", s.min)
                            : fmt::format("from {} to {}", s.min, s.max);
}

// What the key counts tells its name.
enum class Counts : std::uint8_t { things, bytes, mebibytes };
Counts counts_of(const Setting& setting) {
  const std::string_view key = setting.key;
  if (key.ends_with("_mib")) return Counts::mebibytes;
  return key.contains("bytes") ? Counts::bytes : Counts::things;
}

// "64MiB" where bytes are counted; nothing: it is no size, or no whole number of mebibytes.
std::optional<std::int64_t> size_in(std::string_view text, Counts counts) {
  constexpr std::uint64_t kMiB = 1 << 20;
  const auto bytes = terminal::parse_size(text);
  // A number alone is a number of what the key counts.
  const bool alone = text.find_first_not_of("0123456789") == std::string_view::npos;
  if (counts == Counts::things || !bytes || *bytes > INT64_MAX) return std::nullopt;
  if (counts == Counts::bytes || alone) return static_cast<std::int64_t>(*bytes);
  return *bytes % kMiB == 0 ? std::optional(static_cast<std::int64_t>(*bytes / kMiB))
                            : std::nullopt;
}

std::string size_bounds(const Setting& setting, Counts counts) {
  const auto text = [counts](std::int64_t number) {
    const std::uint64_t unit = counts == Counts::mebibytes ? 1 << 20 : 1;
    return terminal::exact_size_text(static_cast<std::uint64_t>(number) * unit);
  };
  std::string out = counts == Counts::bytes ? "a number of bytes" : "a number of MiB";
  out += " or a size such as \"64MiB\", ";
  return out + (setting.max == INT64_MAX
                    ? fmt::format("at least {}", text(setting.min))
                    : fmt::format("from {} to {}", text(setting.min), text(setting.max)));
}

struct Assign {
  const Setting& setting;
  const SettingValue& value;

  Result<void> operator()(std::string* out) const {
    const auto* text = std::get_if<std::string>(&value);
    if (!text || !is_plain(*text)) return must_be("text without control characters");
    if (*setting.choices != '\0' && !is_choice(setting.choices, *text))
      return must_be("one of " + spelled(setting.choices));
    *out = *text;
    return {};
  }
  Result<void> operator()(bool* out) const {
    const auto* flag = std::get_if<bool>(&value);
    if (!flag) return must_be("true or false");
    *out = *flag;
    return {};
  }
  Result<void> operator()(milliseconds* out) const {
    const auto* text = std::get_if<std::string>(&value);
    const auto parsed = text ? parse_duration(*text) : Result<milliseconds>(milliseconds(-1));
    if (!parsed || parsed->count() < setting.min || parsed->count() > setting.max)
      return must_be(fmt::format(
          "a duration from {} to {}, such as \"{}\"", format_duration(milliseconds(setting.min)),
          format_duration(milliseconds(setting.max)), format_duration(*out)));
    *out = *parsed;
    return {};
  }
  template <class Number>
    requires std::is_unsigned_v<Number>
  Result<void> operator()(Number* out) const {
    const Counts counts = counts_of(setting);
    std::optional<std::int64_t> number;
    if (const auto* whole = std::get_if<std::int64_t>(&value)) number = *whole;
    if (const auto* text = std::get_if<std::string>(&value)) number = size_in(*text, counts);
    if (!number || *number < setting.min || *number > setting.max)
      return must_be(counts == Counts::things ? "a whole number " + bounds(setting)
                                              : size_bounds(setting, counts));
    *out = static_cast<Number>(*number);
    return {};
  }
  Result<void> operator()(double* out) const {
    const auto* whole = std::get_if<std::int64_t>(&value);
    const auto* fraction = std::get_if<double>(&value);
    const double number = whole ? static_cast<double>(*whole) : fraction ? *fraction : -1;
    // Written so that NaN is refused.
    if (!(number >= static_cast<double>(setting.min) && number <= static_cast<double>(setting.max)))
      return must_be("a number " + bounds(setting));
    *out = number;
    return {};
  }
  Result<void> operator()(std::vector<std::string>* out) const {
    const auto* list = std::get_if<std::vector<std::string>>(&value);
    if (!list) return must_be("a list of texts, such as [\"a\", \"b\"]");
    for (const auto& entry : *list)
      if (entry.empty() || !is_plain(entry)) return must_be("a list of texts that are not empty");
    *out = *list;
    return {};
  }
};

std::string toml_quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

struct Show {
  const Setting& setting;
  std::string operator()(const std::string* v) const { return toml_quoted(*v); }
  std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
  std::string operator()(const milliseconds* v) const { return toml_quoted(format_duration(*v)); }
  template <class Number>
    requires std::is_unsigned_v<Number>
  std::string operator()(const Number* v) const {
    const std::string size = terminal::exact_size_text(*v);
    const bool is_plain = counts_of(setting) != Counts::bytes || !size.ends_with('B');
    return is_plain ? fmt::format("{}", *v) : toml_quoted(size);
  }
  std::string operator()(const double* v) const { return fmt::format("{}", *v); }
  std::string operator()(const std::vector<std::string>* v) const {
    std::string out;
    for (const auto& entry : *v) out += (out.empty() ? "" : ", ") + toml_quoted(entry);
    return "[" + out + "]";
  }
};

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = text.find(',');
    out.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return out;
}

// Text that is no number stays text, which assign() then refuses in its own words.
SettingValue number_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return std::string(text);
}

}  // namespace

std::string Setting::env_name() const {
  std::string out = fmt::format("VALETKEY_{}_{}", section, key);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

Result<void> assign(const Setting& setting, Config& config, const SettingValue& value) {
  return std::visit(Assign{setting, value}, setting.target(config));
}

Result<void> assign_text(const Setting& setting, Config& config, std::string_view text) {
  const SettingTarget target = setting.target(config);
  SettingValue value = std::string(text);
  if (std::holds_alternative<std::vector<std::string>*>(target))
    value = split_at_commas(text);
  else if (std::holds_alternative<bool*>(target) && (text == "true" || text == "false"))
    value = text == "true";
  else if (std::holds_alternative<std::uint64_t*>(target) ||
           std::holds_alternative<unsigned*>(target) || std::holds_alternative<double*>(target))
    value = number_in(text);
  return assign(setting, config, value);
}

std::string show(const Setting& setting, Config& config) {
  return std::visit(Show{setting}, setting.target(config));
}

}  // namespace valetkey::config
