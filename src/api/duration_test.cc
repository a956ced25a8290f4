// SPDX-License-Identifier: Apache-2.0
#include "api/internal/duration.h"

#include <gtest/gtest.h>

namespace valetkey::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(ExportDuration, ReadsHoursAndMinutesInEitherCase) {
  EXPECT_EQ(parse_export_duration("1h"), hours(1));
  EXPECT_EQ(parse_export_duration("1H"), hours(1));
  EXPECT_EQ(parse_export_duration("60m"), hours(1));
  EXPECT_EQ(parse_export_duration("15M"), minutes(15));
  EXPECT_EQ(parse_export_duration("0h"), hours(0));
}

TEST(ExportDuration, RefusesEveryOtherForm) {
  for (const std::string_view text :
       {"",     "h",    "m",    "1",         "15",   "1.5h",        "-15m",
        "+15m", " 15m", "15m ", "1h30m",     "15 m", "15s",         "1d",
        "0x1h", "1hh",  "1e1m", "\xc2\xb2h", "m15",  "4294967296m", "99999999999999999999h"})
    EXPECT_EQ(parse_export_duration(text), std::nullopt) << text;
  EXPECT_EQ(parse_export_duration(std::string_view("1h\0", 3)), std::nullopt);
}

}  // namespace
}  // namespace valetkey::api
