// SPDX-License-Identifier: Apache-2.0
#include "console/routes.h"

#include "api/paths.h"
#include "http/message.h"

namespace valetkey::console {
namespace {

std::optional<std::string> decode(std::string_view segment) {
  std::string query = "x=";
  const auto parsed = http::parse_query(query.append(segment), false);
  if (!parsed || parsed->size() != 1) return std::nullopt;
  return parsed->front().value;
}

}  // namespace

Routes::Match Routes::match(http::Method method, std::string_view path) const {
  const auto found = api::match_in(routes_, method, path);
  Match match{.route = found.route, .ids = {}, .allow = found.allow};
  if (match.route == nullptr) return match;
  for (const std::string_view segment : found.ids) {
    auto id = decode(segment);
    if (!id || id->empty()) return {};
    match.ids.push_back(std::move(*id));
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
