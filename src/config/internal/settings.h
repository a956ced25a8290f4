// SPDX-License-Identifier: Apache-2.0
// The list of configuration keys: where each lives in Config, what it may be and what it does.
// Pure.
#pragma once

#include <span>
#include <variant>

#include "config/config.h"

namespace valetkey::config {

// What a key may be set to, as it comes out of TOML or the environment.
using SettingValue =
    std::variant<std::string, bool, std::int64_t, double, std::vector<std::string>>;

using SettingTarget = std::variant<std::string*, bool*, milliseconds*, std::uint64_t*, unsigned*,
                                   double*, std::vector<std::string>*>;

struct Setting {
  const char* section;
  const char* key;
  SettingTarget (*target)(Config&);
  const char* effect;    // one sentence, with the unit where the type does not say it
  std::int64_t min = 0;  // of integers, and of durations in milliseconds
  std::int64_t max = INT64_MAX;
  const char* choices = "";  // of text, "a|b|c"

  std::string env_name() const;  // VALETKEY_S3_BUCKET
};

struct Section {
  const char* name;
  const char* about;
};

std::span<const Section> sections();
std::span<const Setting> settings();

// Sets the key; `invalid` says what it must be, without naming the key.
Result<void> assign(const Setting& setting, Config& config, const SettingValue& value);
// The same from the text of an environment variable; lists are separated by commas.
Result<void> assign_text(const Setting& setting, Config& config, std::string_view text);
// The value in `config`, as TOML.
std::string show(const Setting& setting, Config& config);

}  // namespace valetkey::config
