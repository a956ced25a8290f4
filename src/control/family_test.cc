// SPDX-License-Identifier: Apache-2.0
#include "control/family.h"

#include <gtest/gtest.h>

namespace valetkey::control {
namespace {

TokenId id(char last) { return TokenId::parse(std::string("tok_000000000000000") + last).value(); }

Token token(char own, char parent = 0) {
  Token out{.id = id(own),
            .account = {},
            .user = make_user_id(),
            .name = "t",
            .scopes = {},
            .created = {},
            .expires = {},
            .revoked = {},
            .parent = {}};
  if (parent != 0) out.parent = id(parent);
  return out;
}

std::string ids(const std::vector<Token>& tokens) {
  std::string out;
  for (const Token& each : tokens) out += each.id.str().back();
  return out;
}

TEST(DescendantsOf, FindsChildrenAndTheirChildrenAndNobodyElse) {
  const std::vector<Token> all{token('a'), token('b', 'a'), token('c', 'b'), token('d'),
                               token('e', 'd')};
  EXPECT_EQ(ids(descendants_of(id('a'), all)), "bc");
  EXPECT_EQ(ids(descendants_of(id('c'), all)), "");
  EXPECT_EQ(ids(descendants_of(id('x'), all)), "");
}

// c replaced a token that had created b: b hangs on the younger c.
TEST(DescendantsOf, FindsAChildThatIsOlderThanItsParent) {
  const std::vector<Token> all{token('a'), token('b', 'c'), token('c', 'a')};
  EXPECT_EQ(ids(descendants_of(id('a'), all)), "bc");
}

// b replaced the token that had created it by c: each hangs on the other.
TEST(DescendantsOf, EndsWhereTokensHangOnEachOther) {
  const std::vector<Token> all{token('b', 'c'), token('c', 'b')};
  EXPECT_EQ(ids(descendants_of(id('b'), all)), "c");
  EXPECT_EQ(ids(descendants_of(id('c'), all)), "b");
}

}  // namespace
}  // namespace valetkey::control
