// SPDX-License-Identifier: Apache-2.0
#include "console/internal/token_list.h"

#include <map>
#include <set>

#include "api/tokens.h"

namespace valetkey::console {
namespace {

using control::Token;

bool counts(const Token& token, Timestamp now) {
  return !token.revoked && (!token.expires || *token.expires > now);
}

}  // namespace

std::vector<Token> made_for_others(const std::vector<Token>& tokens, const UserId& user,
                                   Timestamp now) {
  std::set<TokenId> family;
  std::vector<Token> made;
  for (const Token& token : tokens) {
    if (!token.maker && !token.parent) continue;
    const bool for_another = token.maker == user && token.user != user;
    if (!for_another && !(token.parent && family.contains(*token.parent))) continue;
    family.insert(token.id);
    if (counts(token, now)) made.push_back(token);
  }
  return made;
}

std::vector<Token> own_of(const std::vector<Token>& tokens, const UserId& user, Timestamp now) {
  std::vector<Token> own;
  for (const Token& token : tokens)
    if (token.user == user && counts(token, now)) own.push_back(token);
  return own;
}

boost::json::array documents_of(control::ControlStore& store, const std::vector<Token>& tokens,
                                Timestamp now) {
  boost::json::array listed;
  std::map<UserId, control::User> owners;
  for (const Token& token : tokens) {
    auto owner = owners.find(token.user);
    if (owner == owners.end()) {
      auto user = store.user(token.user);
      if (!user) continue;
      owner = owners.emplace(token.user, std::move(*user)).first;
    }
    listed.push_back(api::describe(token, owner->second, now));
  }
  return listed;
}

}  // namespace valetkey::console
