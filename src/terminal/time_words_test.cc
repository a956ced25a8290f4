// SPDX-License-Identifier: Apache-2.0
#include "terminal/time_words.h"

#include <gtest/gtest.h>

namespace valetkey::terminal {
namespace {

const Timestamp kNow = parse_iso8601("2026-03-10T12:00:00Z").value();

std::string day(std::string_view text) {
  const auto parsed = Day::parse(text);
  return parsed ? format_date(parsed->on(date_of(kNow))) : "refused";
}

TEST(TimeWords, NameDaysFromTodayOn) {
  EXPECT_EQ(day("2026-02-28"), "2026-02-28");
  EXPECT_EQ(day("today"), "2026-03-10");
  EXPECT_EQ(day("yesterday"), "2026-03-09");
  EXPECT_EQ(day("0d"), "2026-03-10");
  EXPECT_EQ(day("10d"), "2026-02-28");
  EXPECT_EQ(day("2w"), "2026-02-24");
}

TEST(TimeWords, RefuseWhatIsNoDay) {
  for (const char* text : {"", "d", "-1d", "1.5d", "1m", "24h", "30", "2026-02-30", "2026-3-1",
                           "Today", "99999999999d", "36501d", "tomorrow", "1d "})
    EXPECT_EQ(day(text), "refused") << text;
}

TEST(TimeWords, CountWholeDays) {
  using std::chrono::days;
  EXPECT_EQ(read_days("30d"), days(30));
  EXPECT_EQ(read_days("4w"), days(28));
  EXPECT_EQ(read_days("36500d"), days(36'500));
  for (const char* text : {"", "d", "30", "24h", "36501d", "5215w", "today", "1.5d", "-1d"})
    EXPECT_FALSE(read_days(text)) << text;
}

TEST(TimeWords, MeasureDurationsOfWhichNoneNeedsAUnitOnlyIfItIsZero) {
  EXPECT_EQ(read_duration("90d"), std::chrono::days(90));
  EXPECT_EQ(read_duration("2w"), std::chrono::days(14));
  EXPECT_EQ(read_duration("200ms"), milliseconds(200));
  EXPECT_EQ(read_duration("0"), milliseconds(0));
  for (const char* text : {"", "90", "1.5h", "-1h", "1 h", "h", "1y", "99999999999999999d"})
    EXPECT_FALSE(read_duration(text)) << text;
}

TEST(TimeWords, NameInstantsOfWhichADayHasTwo) {
  const auto span = [](std::string_view text) {
    const auto parsed = Instant::parse(text);
    return parsed ? format_iso8601_ms(parsed->first(kNow)) + " to " +
                        format_iso8601_ms(parsed->last(kNow))
                  : "refused";
  };
  EXPECT_EQ(span("24h"), "2026-03-09T12:00:00.000Z to 2026-03-09T12:00:00.000Z");
  EXPECT_EQ(span("1w"), "2026-03-03T12:00:00.000Z to 2026-03-03T12:00:00.000Z");
  EXPECT_EQ(span("2026-01-31"), "2026-01-31T00:00:00.000Z to 2026-01-31T23:59:59.999Z");
  EXPECT_EQ(span("yesterday"), "2026-03-09T00:00:00.000Z to 2026-03-09T23:59:59.999Z");
  EXPECT_EQ(span("2026-01-31T01:02:03Z"), "2026-01-31T01:02:03.000Z to 2026-01-31T01:02:03.000Z");
  for (const char* text : {"", "soon", "2026-02-30", "24", "99999999d", "2026-01-31 12:00"})
    EXPECT_EQ(span(text), "refused") << text;
}

}  // namespace
}  // namespace valetkey::terminal
