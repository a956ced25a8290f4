// SPDX-License-Identifier: Apache-2.0
#include "base/keyed_hash.h"

#include <gtest/gtest.h>

namespace valetkey {
namespace {

// The paper's appendix: the key is the bytes 00 to 0f, the text 00 to 0e.
TEST(KeyedHash, IsSipHash) {
  std::string text;
  for (char c = 0; c < 15; ++c) text.push_back(c);
  EXPECT_EQ(siphash(0x0706050403020100U, 0x0f0e0d0c0b0a0908U, text), 0xa129ca6149be45e5U);
}

TEST(KeyedHash, DependsOnTheKeyAndOnEachByte) {
  EXPECT_NE(siphash(1, 2, "name"), siphash(1, 3, "name"));
  EXPECT_NE(siphash(1, 2, "name"), siphash(1, 2, "nama"));
  EXPECT_NE(siphash(1, 2, ""), siphash(1, 2, std::string(1, '\0')));
  EXPECT_EQ(KeyedHash{}("name"), KeyedHash{}("name"));
}

TEST(KeyedHash, FindsNamesWithoutCopyingThem) {
  NameMap<int> map;
  map["a"] = 1;
  EXPECT_EQ(map.find(std::string_view("a"))->second, 1);
}

}  // namespace
}  // namespace valetkey
