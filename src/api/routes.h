// SPDX-License-Identifier: Apache-2.0
// The table of endpoints: what exists, with which method, what a caller must show, where the work is
// done and what it is. 404, 405 and Allow follow from it, and a test holds openapi.json against it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "api/authentication.h"
#include "api/operations.h"
#include "http/message.h"

namespace valetkey::api {

inline constexpr std::string_view kEventsPath = "/v1/events";

enum class Place : std::uint8_t {
  loop,    // where the request came in; at_once() answers it without blocking
  pool,    // of threads that may block
  sums,    // the same, few at once: adding up what is stored takes long
  issuer,  // threads of an issuer that asks another service, where at_once() has no answer
};

struct Route {
  http::Method method;             // a GET answers HEAD as well
  std::string_view path;           // "{id}" stands for one segment that is not empty
  std::optional<TokenForm> shows;  // nothing: anybody may ask
  Place place = Place::loop;
  Operations::AtOnce at_once = nullptr;  // first, on the loop
  Operations::Work work = nullptr;       // at `place`, where that gave no answer
};
std::span<const Route> routes();

}  // namespace valetkey::api
