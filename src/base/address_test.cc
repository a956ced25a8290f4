// SPDX-License-Identifier: Apache-2.0
#include "base/address.h"

#include <gtest/gtest.h>

namespace valetkey {
namespace {

AddressBlock block(std::string_view text) { return AddressBlock::parse(text).value(); }
Address address(std::string_view text) { return Address::parse(text).value(); }

TEST(AddressBlock, HasOneSpelling) {
  EXPECT_EQ(block("10.0.0.0/8").str(), "10.0.0.0/8");
  EXPECT_EQ(block("10.1.2.3").str(), "10.1.2.3");
  EXPECT_EQ(block("10.1.2.3/32").str(), "10.1.2.3");
  EXPECT_EQ(block("0.0.0.0/0").str(), "0.0.0.0/0");
  EXPECT_EQ(block("::/0").str(), "::/0");
  EXPECT_EQ(block("2001:DB8:0::/32").str(), "2001:db8::/32");
  EXPECT_EQ(block("::ffff:10.0.0.0/104"), block("10.0.0.0/8"));
}

TEST(AddressBlock, RefusesWhatIsNone) {
  for (const char* text :
       {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/8/8", "10/8",
        "2001:db8::/129", "2001:db8::1/32", "::ffff:10.0.0.0/8", "example.org", " 10.0.0.0/8"})
    EXPECT_FALSE(AddressBlock::parse(text)) << text;
}

TEST(AddressBlock, TakesAnIPv4AddressInEitherForm) {
  EXPECT_TRUE(block("10.0.0.0/8").contains(address("10.255.0.1")));
  EXPECT_TRUE(block("10.0.0.0/8").contains(address("::ffff:10.255.0.1")));
  EXPECT_FALSE(block("10.0.0.0/8").contains(address("11.0.0.0")));
  // Compatible, not mapped: another address.
  EXPECT_FALSE(block("10.0.0.0/8").contains(address("::10.0.0.1")));
  EXPECT_FALSE(block("0.0.0.0/0").contains(address("2001:db8::1")));
}

TEST(AddressBlock, LiesWithinWiderOnesOnly) {
  EXPECT_TRUE(block("10.1.0.0/16").within(block("10.0.0.0/8")));
  EXPECT_TRUE(block("10.0.0.0/8").within(block("10.0.0.0/8")));
  EXPECT_FALSE(block("10.0.0.0/8").within(block("10.0.0.0/16")));
  EXPECT_FALSE(block("11.0.0.0/16").within(block("10.0.0.0/8")));
}

}  // namespace
}  // namespace valetkey
