// SPDX-License-Identifier: Apache-2.0
#include "control/control_store.h"

#include <algorithm>
#include <array>

namespace valetkey::control {

std::string_view name_of(AccountState state) {
  switch (state) {
    case AccountState::active:
      return "active";
    case AccountState::suspended:
      return "suspended";
    case AccountState::deleted:
      return "deleted";
  }
  return "deleted";
}

std::string_view name_of(UserState state) {
  return state == UserState::active ? "active" : "disabled";
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::member:
      return "member";
    case Role::admin:
      return "admin";
    case Role::operator_:
      return "operator";
  }
  return "member";
}

std::string_view name_of(TokenRefusal refusal) {
  switch (refusal) {
    case TokenRefusal::mistyped:
      return "mistyped";
    case TokenRefusal::unknown:
      return "unknown";
    case TokenRefusal::revoked:
      return "revoked";
    case TokenRefusal::expired:
      return "expired";
    case TokenRefusal::user_disabled:
      return "user_disabled";
    case TokenRefusal::account_suspended:
      return "account_suspended";
    case TokenRefusal::account_deleted:
      return "account_deleted";
  }
  return "unknown";
}

Result<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::member, Role::admin, Role::operator_})
    if (text == name_of(role)) return role;
  return fail(ErrorCode::invalid, "a role must be member, admin or operator");
}

UsageCounts& UsageCounts::operator+=(const UsageCounts& other) {
  exchanges += other.exchanges;
  requests += other.requests;
  bytes += other.bytes;
  events += other.events;
  event_bytes += other.event_bytes;
  return *this;
}

namespace {

struct NamedScope {
  std::string_view name;
  bool TokenScopes::* field;
};
constexpr std::array<NamedScope, 5> kScopes{{{"export", &TokenScopes::export_},
                                             {"tokens", &TokenScopes::tokens},
                                             {"users", &TokenScopes::users},
                                             {"audit", &TokenScopes::audit},
                                             {"accounts", &TokenScopes::accounts}}};

}  // namespace

bool TokenScopes::within(const TokenScopes& outer) const {
  return std::ranges::all_of(
      kScopes, [&](const NamedScope& s) { return !(this->*s.field) || outer.*s.field; });
}

std::vector<std::string_view> TokenScopes::names() const {
  std::vector<std::string_view> names;
  for (const NamedScope& scope : kScopes)
    if (this->*scope.field) names.push_back(scope.name);
  return names;
}

std::string TokenScopes::str() const {
  std::string text;
  for (const std::string_view name : names()) text.append(text.empty() ? "" : ",").append(name);
  return text;
}

bool TokenScopes::add(std::string_view name) {
  const auto scope = std::ranges::find(kScopes, name, &NamedScope::name);
  if (scope == kScopes.end() || this->*scope->field) return false;
  this->*scope->field = true;
  return true;
}

Result<TokenScopes> TokenScopes::parse(std::string_view text) {
  TokenScopes scopes;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const bool added = scopes.add(text.substr(0, comma));
    if (!added || (scopes.accounts && scopes != TokenScopes{.accounts = true}))
      return fail(ErrorCode::invalid,
                  "scopes must be a list of export, tokens, users and audit, or accounts alone for "
                  "an operator, each once");
    if (comma == text.size()) return scopes;
    text.remove_prefix(comma + 1);
  }
}

std::string_view state_of(const Token& token, const User& owner, Timestamp now) {
  if (token.revoked) return "revoked";
  if (token.expires && *token.expires <= now) return "expired";
  return owner.state == UserState::active ? "active" : "disabled";
}

}  // namespace valetkey::control
