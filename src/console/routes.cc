// SPDX-License-Identifier: Apache-2.0
#include "console/routes.h"

#include <algorithm>

#include "http/message.h"

namespace valetkey::console {
namespace {

std::string_view name_of(http::Method method) {
  if (method == http::Method::post) return "POST";
  if (method == http::Method::delete_) return "DELETE";
  return "GET, HEAD";
}

std::string_view take_segment(std::string_view& path) {
  const auto slash = path.find('/', 1);
  const std::string_view segment = path.substr(0, slash);
  path.remove_prefix(segment.size());
  return segment;
}

std::optional<std::string> decode(std::string_view segment) {
  std::string query = "x=";
  const auto parsed = http::parse_query(query.append(segment), false);
  if (!parsed || parsed->size() != 1) return std::nullopt;
  return parsed->front().value;
}

// Whether `path` has the form of `pattern`; `ids` are then what stands for each "{}".
bool has_form(std::string_view path, std::string_view pattern, std::vector<std::string>& ids) {
  ids.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (wanted == "/{}") {
      auto id = decode(given.substr(1));
      if (!id || id->empty()) return false;
      ids.push_back(std::move(*id));
    } else if (wanted != given) {
      return false;
    }
  }
  return path.empty() && pattern.empty();
}

}  // namespace

Routes::Match Routes::match(http::Method method, std::string_view path) const {
  const http::Method asked = method == http::Method::head ? http::Method::get : method;
  Match match;
  for (const Route& route : routes_) {
    if (!has_form(path, route.path, match.ids)) continue;
    if (route.method == asked) {
      match.route = &route;
      return match;
    }
    if (!match.allow.empty()) match.allow += ", ";
    match.allow += name_of(route.method);
  }
  return match;
}

Answer<void> check_access(const Route& route, const Who& who) {
  if (route.scope != nullptr && !(who.scopes.*route.scope))
    return forbidden("This token lacks the scope that this needs: see /openapi.json.");
  const control::Role role = who.user.role;
  switch (route.access) {
    case Access::open:
    case Access::person:
      return {};
    case Access::account:
      if (who.user.account) return {};
      return forbidden("Operators belong to no account: sign in as a user of one.");
    case Access::admin:
      if (who.user.account && role == control::Role::admin) return {};
      return forbidden("Only an admin of the account may do this.");
    case Access::operator_:
      if (!who.user.account && role == control::Role::operator_) return {};
      return forbidden("Only an operator of this installation may do this.");
  }
  return forbidden("Nobody may do this.");
}

}  // namespace valetkey::console
