// SPDX-License-Identifier: Apache-2.0
#include "terminal/size.h"

#include <gtest/gtest.h>

namespace valetkey::terminal {
namespace {

TEST(ParseSize, TakesDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_size("500"), 500U);
  EXPECT_EQ(parse_size("500B"), 500U);
  EXPECT_EQ(parse_size("1kB"), 1000U);
  EXPECT_EQ(parse_size("1GB"), 1'000'000'000U);
  EXPECT_EQ(parse_size("10MiB"), 10U << 20);
  EXPECT_EQ(parse_size("10mib"), 10U << 20);
  EXPECT_EQ(parse_size("2 GiB"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_size("3K"), 3072U);
  EXPECT_EQ(parse_size("1.5GB"), 1'500'000'000U);
  EXPECT_EQ(parse_size("0.5KiB"), 512U);
  EXPECT_EQ(parse_size("0"), 0U);
}

TEST(ParseSize, TakesNothingElse) {
  for (const char* text :
       {"", "B", "GB", "-1", "+1", "1 ", "1  GB", "1e3", "0x10", "1XB", "1GBs", "1.", ".5GB",
        "1.2.3", "1,5GB", "10 million", "99999999999999999999", "20000PiB", "1bi"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
}

TEST(SizeText, HasAUnitThatFits) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(1023), "1023 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text((std::uint64_t{1} << 20) - 1), "1.0 MiB");
  EXPECT_EQ(size_text(std::uint64_t{3} << 40), "3.0 TiB");
}

TEST(Size, IsWrittenExactlyWithTheLargestUnit) {
  EXPECT_EQ(exact_size_text(0), "0");
  EXPECT_EQ(exact_size_text(3'500'000), "3500000");
  EXPECT_EQ(exact_size_text(1024), "1KiB");
  EXPECT_EQ(exact_size_text(64ULL << 20), "64MiB");
  EXPECT_EQ(exact_size_text(1536), "1536");
  for (const std::uint64_t bytes : {0ULL, 1ULL, 1023ULL, 3ULL << 30, 5ULL << 50, 7ULL << 60})
    EXPECT_EQ(parse_size(exact_size_text(bytes)), bytes);
}

TEST(Count, IsOneOrSeveral) {
  EXPECT_EQ(count_text(0, "part"), "0 parts");
  EXPECT_EQ(count_text(1, "part"), "1 part");
  EXPECT_EQ(count_text(2, "part"), "2 parts");
}

}  // namespace
}  // namespace valetkey::terminal
