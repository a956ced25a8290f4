// SPDX-License-Identifier: Apache-2.0
#include "http/cors.h"

#include <algorithm>

namespace valetkey::http {

std::optional<std::string_view> origin_of(const Request& request) {
  const auto origin = request.header("origin");
  const auto is_plain = [](char c) { return c > ' ' && c < '\x7F'; };
  if (!origin || origin->empty() || request.count("origin") != 1 ||
      !std::ranges::all_of(*origin, is_plain))
    return std::nullopt;
  return origin;
}

void allow_origin(Response& response, std::string_view origin) {
  response.set("Access-Control-Allow-Origin", origin);
  response.set("Access-Control-Allow-Credentials", "true");
}

std::optional<std::string_view> Origins::allowed(const Request& request) const {
  const auto origin = origin_of(request);
  const auto is_it = [&origin](const std::string& o) { return o == "*" || o == *origin; };
  if (!origin || std::ranges::none_of(origins_, is_it)) return std::nullopt;
  return origin;
}

}  // namespace valetkey::http
