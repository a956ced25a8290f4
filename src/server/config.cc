// SPDX-License-Identifier: Apache-2.0
#include "server/config.h"

#include <fmt/format.h>

#include <charconv>

#include "base/file.h"
#include "server/settings.h"
#include "server/toml_parser.h"

namespace valetkey::server {
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

Result<void> read_section(Config& config, std::string_view name, std::string_view section,
                          const toml::table& table) {
  for (const auto& [key, node] : table) {
    const Setting* setting = find_setting(section, key.str());
    if (!setting)
      return at(name, key.source(),
                fmt::format("[{}] has no key '{}'; `valetkeyd config` shows every key", section,
                            shown(key.str())));
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
  if (!parsed) return at(name, parsed.error().source(), shown(parsed.error().description()));
  for (const auto& [section, node] : parsed.table()) {
    if (!is_section(section.str()))
      return at(name, section.source(),
                fmt::format("there is no section [{}]; `valetkeyd config` shows every key",
                            shown(section.str())));
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

}  // namespace

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
      "# as valetkey.toml in the data folder. Durations take s, m, h, d; unknown keys are errors.\n"
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

}  // namespace valetkey::server
