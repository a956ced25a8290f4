// SPDX-License-Identifier: Apache-2.0
#include "control/tokens.h"

#include <gtest/gtest.h>

#include <set>

#include "base/encoding.h"

namespace valetkey::control {
namespace {

constexpr std::string_view kGolden = "vkpat_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd1GmQUP";

TEST(Tokens, KeepTheirWrittenForm) {
  EXPECT_EQ(kGolden.size(), kTokenLength);
  EXPECT_TRUE(is_well_formed_token(kGolden));
  EXPECT_EQ(hex(as_text(token_digest(kGolden))),
            "e167f280f9c8c36e2c92cc38faff823b4ea71c37cabc92e5ac7bbe0ac042dfa1");
  EXPECT_TRUE(is_well_formed_token("vkpat_00000000000000000000000000000000000000004gY0XI"));
}

TEST(Tokens, AreWellFormedAndDifferent) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const Secret token = make_token();
    EXPECT_TRUE(is_well_formed_token(token.reveal()));
    seen.emplace(token.reveal());
  }
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Tokens, ShowEveryMistypedCharacter) {
  for (std::size_t i = 0; i < kGolden.size(); ++i)
    for (const char c : {'0', 'z', 'A', '_', ' ', '\0', '\n', '\xff'}) {
      std::string typed(kGolden);
      if (typed[i] == c) continue;
      typed[i] = c;
      EXPECT_FALSE(is_well_formed_token(typed)) << i;
    }
  std::string swapped(kGolden);
  std::swap(swapped[10], swapped[11]);
  EXPECT_FALSE(is_well_formed_token(swapped));
}

TEST(Tokens, AreMistypedOnlyWhereTheyWereMeantToBeOurs) {
  EXPECT_FALSE(is_mistyped_token(kGolden));
  EXPECT_TRUE(is_mistyped_token(kGolden.substr(0, 51)));
  EXPECT_TRUE(is_mistyped_token("vkpat_"));
  for (const char* other : {"", "ghp_0123", "VKPAT_0123", "eyJhbGciOi.x.y"})
    EXPECT_FALSE(is_mistyped_token(other)) << other;
}

TEST(Tokens, HaveOneLength) {
  EXPECT_FALSE(is_well_formed_token(""));
  EXPECT_FALSE(is_well_formed_token(kTokenPrefix));
  EXPECT_FALSE(is_well_formed_token(kGolden.substr(0, kTokenLength - 1)));
  EXPECT_FALSE(is_well_formed_token(std::string(kGolden) + "0"));
}

}  // namespace
}  // namespace valetkey::control
