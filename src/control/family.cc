// SPDX-License-Identifier: Apache-2.0
#include "control/family.h"

#include <map>
#include <set>

namespace valetkey::control {

std::vector<Token> descendants_of(const TokenId& root, std::span<const Token> all) {
  std::multimap<TokenId, TokenId> children;
  for (const Token& token : all)
    if (token.parent) children.emplace(*token.parent, token.id);
  std::set<TokenId> family{root};
  std::vector<TokenId> next{root};
  while (!next.empty()) {
    const auto [first, last] = children.equal_range(next.back());
    next.pop_back();
    for (auto child = first; child != last; ++child)
      if (family.insert(child->second).second) next.push_back(child->second);
  }
  std::vector<Token> out;
  for (const Token& token : all)
    if (token.id != root && family.contains(token.id)) out.push_back(token);
  return out;
}

}  // namespace valetkey::control
