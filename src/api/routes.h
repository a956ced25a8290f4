// SPDX-License-Identifier: Apache-2.0
// The table of endpoints: what exists, with which method; 404, 405 and Allow follow from it, and a
// test holds openapi.json against it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/message.h"

namespace valetkey::api {

enum class Action : std::uint8_t {
  landing,
  openapi,
  account,
  credentials,
  container,
  gcp,
  list_tokens,
  create_token,
  show_token,
  revoke_token,
  account_usage,
  events,
};

inline constexpr std::string_view kEventsPath = "/v1/events";

struct Endpoint {
  http::Method method;    // a GET answers HEAD as well
  std::string_view path;  // a last segment "{id}" stands for one non-empty segment
  Action action;
};
std::span<const Endpoint> endpoints();

struct Match {
  std::optional<Action> action;  // nothing: 404, or 405 if `allow` is not empty
  std::string_view id;           // of "{id}", still encoded
  std::string allow;             // the methods of this path, set only where `action` is not
};
// The path is compared as received: no endpoint needs percent-encoding.
Match match(http::Method method, std::string_view path);
// "GET, HEAD" and the like; empty for an unknown path.
std::string methods_of(std::string_view path);

}  // namespace valetkey::api
