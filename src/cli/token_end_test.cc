// SPDX-License-Identifier: Apache-2.0
#include "cli/token_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

using std::chrono::days, std::chrono::hours, std::chrono::minutes;
using testing::StartsWith;

const Timestamp kNow = parse_iso8601("2026-01-28T12:00:00Z").value();

std::string remark(std::optional<milliseconds> left) {
  client::Grant grant;
  if (left) grant.token_expires = kNow + *left;
  return token_end_remark(grant, kNow);
}

TEST(TokenEnd, IsToldDaysBefore) {
  EXPECT_EQ(remark(days(3)),
            "the token expires in 3 days, at 2026-01-31T12:00:00Z: ask for a new one, and save it "
            "with `valetkey configure`");
  EXPECT_THAT(remark(days(7)), StartsWith("the token expires in 7 days, "));
}

TEST(TokenEnd, IsToldInAUnitThatCanBeRead) {
  EXPECT_THAT(remark(hours(47)), StartsWith("the token expires in 47 hours, "));
  EXPECT_THAT(remark(minutes(119)), StartsWith("the token expires in 119 minutes, "));
  EXPECT_THAT(remark(minutes(1)), StartsWith("the token expires in 1 minute, "));
  EXPECT_THAT(remark(seconds(-5)), StartsWith("the token expires in 1 minute, "));
}

TEST(TokenEnd, IsNotToldWhileItIsFarAway) {
  EXPECT_EQ(remark(std::nullopt), "");
  EXPECT_EQ(remark(days(7) + seconds(1)), "");
}

}  // namespace
}  // namespace valetkey::cli
