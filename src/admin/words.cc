// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/words.h"

#include "config/config.h"
#include "control/names.h"
#include "terminal/time_words.h"

namespace valetkey::admin {

terminal::Value email(std::string& out) {
  return terminal::text(
      out, [](std::string_view text) { return control::normalise_email(text).has_value(); },
      "an e-mail address such as ada@example.org");
}

terminal::Value scopes(std::string& out) {
  return terminal::text(
      out, [](std::string_view text) { return control::TokenScopes::parse(text).has_value(); },
      "export, tokens, or both as export,tokens");
}

terminal::Value listener(std::string& out) {
  return terminal::text(
      out, [](std::string_view text) { return config::parse_host_port(text).has_value(); },
      "an address and a port such as 127.0.0.1:8080, [::1]:8080 or localhost:0");
}

terminal::Value retention(std::optional<std::optional<std::chrono::days>>& out) {
  terminal::Value value([&out](std::string_view text) {
    const auto days = terminal::read_days(text);
    if (text != "none" && (!days || days->count() == 0)) return false;
    out.emplace(days);
    return true;
  });
  value.accepts = std::string(terminal::kDaysForm) + ", or none";
  return value;
}

}  // namespace valetkey::admin
