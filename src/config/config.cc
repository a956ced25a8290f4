// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/file.h"
#include "base/text.h"
#include "config/internal/settings.h"
#include "config/internal/toml_parser.h"
#include "terminal/nearest.h"

namespace valetkey::config {
namespace {

constexpr std::size_t kMaxConfigBytes = 1 << 20;

std::optional<SettingValue> value_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* whole = node.as_integer()) return whole->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  const auto* array = node.as_array();
  if (!array) return std::nullopt;
  std::vector<std::string> list;
  for (const auto& entry : *array) {
    const auto* text = entry.as_string();
    if (!text) return std::nullopt;
    list.push_back(text->get());
  }
  return list;
}

const Setting* find_setting(std::string_view section, std::string_view key) {
  for (const Setting& setting : settings())
    if (section == setting.section && key == setting.key) return &setting;
  return nullptr;
}

bool is_section(std::string_view name) {
  for (const Section& section : sections())
    if (name == section.name) return true;
  return false;
}

// Key names come from the file: shown, but never longer than a line can bear.
std::string shown(std::string_view name) {
  std::string out;
  for (const char c : name.substr(0, 60))
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return name.size() > 60 ? out + "…" : out;
}

std::unexpected<Error> at(std::string_view name, const toml::source_region& where,
                          std::string_view what) {
  return fail(ErrorCode::invalid, fmt::format("{} line {}: {}", name, where.begin.line, what));
}

// The line of that number, from 1.
std::string_view line_at(std::string_view text, std::uint32_t number) {
  for (; number > 1 && text.contains('\n'); --number) text.remove_prefix(text.find('\n') + 1);
  return number > 1 ? "" : text.substr(0, text.find('\n'));
}

// What the parser cannot say: that text was written without quotes, the likeliest slip. Empty where
// the line shows another.
std::string missing_quotes(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) return "";
  const std::string_view key = trimmed(line.substr(0, equals), kBlanks);
  std::string_view value = line.substr(equals + 1);
  if (value.find_first_of("\"'") != std::string_view::npos) return "";
  value = trimmed(value.substr(0, value.find(" #")), kBlanks);
  if (value.empty() || value.starts_with('{') || key.empty() || key.starts_with('#')) return "";
  if (value.starts_with('['))
    return fmt::format("text in a list needs quotes: {} = [\"a\", \"b\"]", shown(key));
  return fmt::format("text needs quotes: {} = \"{}\"", shown(key), shown(value));
}

std::string no_such(std::string_view what, std::string_view word,
                    std::span<const std::string> known) {
  const std::string meant = terminal::nearest(word, known);
  return fmt::format("{}; {}", what,
                     meant.empty() ? "`valetkeyd config` shows every key"
                                   : fmt::format("did you mean {}?", meant));
}

std::vector<std::string> keys_of(std::string_view section) {
  std::vector<std::string> keys;
  for (const Setting& setting : settings())
    if (section == setting.section) keys.emplace_back(setting.key);
  return keys;
}

std::vector<std::string> section_names() {
  std::vector<std::string> names;
  for (const Section& section : sections()) names.emplace_back(section.name);
  return names;
}

Result<void> read_section(Config& config, std::string_view name, std::string_view section,
                          const toml::table& table) {
  for (const auto& [key, node] : table) {
    const Setting* setting = find_setting(section, key.str());
    if (!setting)
      return at(name, key.source(),
                no_such(fmt::format("[{}] has no key '{}'", section, shown(key.str())), key.str(),
                        keys_of(section)));
    const auto value = value_of(node);
    const auto set = value ? assign(*setting, config, *value)
                           : fail(ErrorCode::invalid, "has a value of the wrong kind");
    if (!set)
      return at(name, key.source(),
                fmt::format("[{}] {} {}", section, setting->key, set.error().detail));
  }
  return {};
}

Result<void> read_toml(Config& config, std::string_view text, std::string_view name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::source_region& where = parsed.error().source();
    const std::string slip = missing_quotes(line_at(text, where.begin.line));
    return at(name, where, slip.empty() ? shown(parsed.error().description()) : slip);
  }
  for (const auto& [section, node] : parsed.table()) {
    if (!is_section(section.str()))
      return at(name, section.source(),
                no_such(fmt::format("there is no section [{}]", shown(section.str())),
                        section.str(), section_names()));
    if (!node.is_table())
      return at(name, section.source(),
                fmt::format("{} must be a section, as [{}]", section.str(), section.str()));
    VALETKEY_CHECK(read_section(config, name, section.str(), *node.as_table()));
  }
  return {};
}

Result<void> read_environment(Config& config, const Environment& env) {
  for (const Setting& setting : settings()) {
    const std::string name = setting.env_name();
    const char* text = env(name.c_str());
    if (!text) continue;
    const auto set = assign_text(setting, config, text);
    if (!set) return fail(ErrorCode::invalid, name + " " + set.error().detail);
  }
  return {};
}

// Variables, without their prefix, that are no keys: of this program, of the client, of tests.
constexpr std::array kOtherVariables{
    "DATA_DIR", "CONFIG",     "KEYRING",     "API",         "TOKEN",    "TOKEN_FILE",
    "CA_FILE",  "ALLOW_HTTP", "CONFIG_HOME", "CACHE_LIMIT", "PROGRAMS", "DUCKDB_LIBRARY",
};

// Whether a name looks like a key's: variables of other programs cause no warning.
bool looks_like_a_key(std::string_view name) {
  for (const Section& section : sections()) {
    std::string prefix = fmt::format("VALETKEY_{}_", section.name);
    for (char& c : prefix)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::vector<std::string> unknown_variables(std::span<const std::string> names) {
  constexpr std::string_view kPrefix = "VALETKEY_";
  std::vector<std::string> known(kOtherVariables.begin(), kOtherVariables.end());
  for (const Setting& setting : settings())
    known.push_back(setting.env_name().substr(kPrefix.size()));
  std::vector<std::string> sentences;
  for (const std::string& name : names) {
    if (!name.starts_with(kPrefix)) continue;
    if (std::ranges::find(known, std::string_view(name).substr(kPrefix.size())) != known.end())
      continue;
    // All begin alike: what follows decides.
    const std::string meant = terminal::nearest(name.substr(kPrefix.size()), known);
    if (!meant.empty())
      sentences.push_back(fmt::format(
          "the environment variable {} is not known and does nothing; did you mean {}{}?",
          shown(name), kPrefix, meant));
    else if (looks_like_a_key(name))
      sentences.push_back(fmt::format(
          "the environment variable {} is not known and does nothing; `valetkeyd config` shows "
          "every key",
          shown(name)));
  }
  return sentences;
}

Result<Config> parse_config(std::string_view text, std::string_view name, const Environment& env) {
  Config config;
  VALETKEY_CHECK(read_toml(config, text, name));
  VALETKEY_CHECK(read_environment(config, env));
  return config;
}

Result<Config> load_config(const std::filesystem::path& file, const Environment& env) {
  if (file.empty()) return parse_config("", "", env);
  VALETKEY_TRY(const std::string text, read_file(file, kMaxConfigBytes));
  return parse_config(text, file.string(), env);
}

std::string example_config() {
  Config defaults;
  std::string out =
      "# Valetkey's configuration: every key with its default. Pass it with --config FILE, or keep "
      "it\n"
      "# as valetkey.toml in the data folder. Durations take s, m, h, d, w and bytes KiB, MiB, "
      "GiB,\n"
      "# both in quotes; unknown keys are errors.\n"
      "# The environment goes first: [s3] bucket is VALETKEY_S3_BUCKET; lists are separated by "
      "commas.\n";
  for (const Section& section : sections()) {
    out += fmt::format("\n# {}\n[{}]\n", section.about, section.name);
    for (const Setting& setting : settings())
      if (std::string_view(setting.section) == section.name)
        out +=
            fmt::format("# {}\n#{} = {}\n", setting.effect, setting.key, show(setting, defaults));
  }
  return out;
}

std::string markdown_config() {
  Config defaults;
  std::string out = "| key | default | effect |\n| --- | --- | --- |\n";
  for (const Setting& setting : settings())
    out += fmt::format("| `[{}] {}` | `{}` | {} |\n", setting.section, setting.key,
                       show(setting, defaults), setting.effect);
  return out;
}

}  // namespace valetkey::config
