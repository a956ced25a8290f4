// SPDX-License-Identifier: Apache-2.0
// The forms of paths in tables of routes, and the methods that answers name. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace valetkey::api {

// Whether `path`, as received, has the form of `pattern`: a segment in braces stands for one that is
// not empty. `ids` are then those, in order and still encoded.
bool has_form(std::string_view path, std::string_view pattern, std::vector<std::string_view>& ids);

// As Allow names it: a GET answers HEAD as well.
std::string_view name_of(http::Method method);

// The row that answers, or what Allow says: empty where no row has the path.
template <class Route>
struct Match {
  const Route* route = nullptr;
  std::vector<std::string_view> ids;
  std::string allow;
};

template <class Routes>
auto match_in(const Routes& routes, http::Method method, std::string_view path) {
  const http::Method asked = method == http::Method::head ? http::Method::get : method;
  Match<typename Routes::value_type> match;
  for (const auto& route : routes) {
    if (!has_form(path, route.path, match.ids)) continue;
    if (route.method == asked) {
      match.route = &route;
      match.allow.clear();
      return match;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += name_of(route.method);
  }
  return match;
}

}  // namespace valetkey::api
