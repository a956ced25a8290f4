// SPDX-License-Identifier: Apache-2.0
#include "cli/day_words.h"

#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

const Date kToday = parse_date("2026-03-10").value();

std::string day(std::string_view text) {
  const auto parsed = parse_day(text, kToday);
  return parsed ? format_date(*parsed) : "refused";
}

TEST(DayWords, NameDaysFromTodayOn) {
  EXPECT_EQ(day("2026-02-28"), "2026-02-28");
  EXPECT_EQ(day("today"), "2026-03-10");
  EXPECT_EQ(day("yesterday"), "2026-03-09");
  EXPECT_EQ(day("0d"), "2026-03-10");
  EXPECT_EQ(day("10d"), "2026-02-28");
  EXPECT_EQ(day("2w"), "2026-02-24");
}

TEST(DayWords, RefuseWhatIsNoDay) {
  for (const char* text : {"", "d", "-1d", "1.5d", "1m", "24h", "30", "2026-02-30", "2026-3-1",
                           "Today", "99999999999d", "36501d", "tomorrow", "1d "})
    EXPECT_EQ(day(text), "refused") << text;
}

TEST(DayWords, CountTodayAmongTheLast) {
  EXPECT_EQ(parse_last("1d", kToday).value(), kToday);
  EXPECT_EQ(format_date(parse_last("30d", kToday).value()), "2026-02-09");
  EXPECT_EQ(format_date(parse_last("1w", kToday).value()), "2026-03-04");
  for (const char* text : {"", "0d", "0w", "30", "1h", "today", "2026-03-01"})
    EXPECT_FALSE(parse_last(text, kToday)) << text;
}

}  // namespace
}  // namespace valetkey::cli
