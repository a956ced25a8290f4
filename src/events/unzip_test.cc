// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "events/intake.h"
#include "events/testing/zip.h"

namespace valetkey::events {
namespace {

TEST(Unzip, ReadsWhatGzipWrites) {
  EXPECT_EQ(unzip(zip("")).value(), "");
  EXPECT_EQ(unzip(zip("hello")).value(), "hello");
  EXPECT_EQ(unzip(zip("hello ") + zip("again")).value(), "hello again");
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += fmt::format("{},", i * 7919 % 100'003);
  EXPECT_EQ(unzip(zip(large)).value(), large);
}

TEST(Unzip, TakesManyMembersInAMoment) {
  std::string many;
  const auto empty = zip("");
  for (int i = 0; i < 150'000; ++i) many += empty;  // 3 MB: quadratic work would take minutes
  EXPECT_EQ(unzip(many).value(), "");
}

TEST(Unzip, RefusesTruncationsAndBombs) {
  const auto zipped = zip("hello, hello, hello");
  for (std::size_t n = 0; n < zipped.size(); ++n)
    EXPECT_EQ(unzip(zipped.substr(0, n)).error().why, IntakeRefusal::Why::malformed) << n;
  EXPECT_EQ(unzip("not gzip at all").error().why, IntakeRefusal::Why::malformed);
  EXPECT_EQ(unzip(zipped + "trailing").error().why, IntakeRefusal::Why::malformed);
  EXPECT_EQ(unzip(zip(std::string(50 << 20, 'a'))).error().why, IntakeRefusal::Why::too_large);
  EXPECT_EQ(unzip(zip(std::string(9 << 20, 'a'))).error().why, IntakeRefusal::Why::too_large)
      << "ratio above 100";
}

}  // namespace
}  // namespace valetkey::events
