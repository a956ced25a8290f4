// SPDX-License-Identifier: Apache-2.0
#include "base/timestamp.h"

#include <gtest/gtest.h>

#include <random>

namespace valetkey {
namespace {

const Timestamp kInstant = from_epoch_ms(1'600'082'488'123);  // 2020-09-14T11:21:28.123Z, a Monday

TEST(Timestamp, IsWrittenInEveryForm) {
  EXPECT_EQ(format_iso8601(kInstant), "2020-09-14T11:21:28Z");
  EXPECT_EQ(format_iso8601_ms(kInstant), "2020-09-14T11:21:28.123Z");
  EXPECT_EQ(format_http_date(kInstant), "Mon, 14 Sep 2020 11:21:28 GMT");
  EXPECT_EQ(format_amz_date(kInstant), "20200914T112128Z");
  EXPECT_EQ(format_date(date_of(kInstant)), "2020-09-14");
  EXPECT_EQ(format_iso8601_ms(from_epoch_ms(-1)), "1969-12-31T23:59:59.999Z");
}

TEST(Timestamp, ReadsAllThreeHttpDateForms) {
  // RFC 9110, section 5.6.7.
  const Timestamp expected = *parse_iso8601("1994-11-06T08:49:37Z");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").value(), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT").value(), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994").value(), expected);
  EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994").value(), expected + std::chrono::days(10));
  EXPECT_EQ(parse_http_date("Monday, 14-Sep-20 11:21:28 GMT").value(),
            *parse_iso8601("2020-09-14T11:21:28Z"));
}

TEST(Timestamp, RefusesHttpDatesThatAreNotExact) {
  for (const char* text :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT", "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 +0000", " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Wed, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 1994"})
    EXPECT_FALSE(parse_http_date(text)) << text;
}

TEST(Timestamp, KnowsLeapYears) {
  EXPECT_TRUE(parse_date("2000-02-29"));
  EXPECT_TRUE(parse_date("2024-02-29"));
  EXPECT_FALSE(parse_date("1900-02-29"));
  EXPECT_FALSE(parse_date("2023-02-29"));
  EXPECT_EQ(*parse_date("2024-03-01") - *parse_date("2024-02-28"), std::chrono::days(2));
}

TEST(Timestamp, RefusesImpossibleDatesAndOtherForms) {
  for (const char* text : {"", "2020-9-14", "2020-09-31", "2020-13-01", "2020-00-10", "2020-01-00",
                           "2020-01-01 ", "20200101", "+020-01-01", "2020-01-0a", "12020-01-01"})
    EXPECT_FALSE(parse_date(text)) << text;
  for (const char* text :
       {"2020-09-14T11:21:28", "2020-09-14T11:21:28+00:00", "2020-09-14 11:21:28Z",
        "2020-09-14T11:21:28.Z", "2020-09-14T11:21:28.1234567890Z", "2020-09-14T11:21Z",
        "2020-09-14T24:00:00Z", "2020-09-14T11:60:28Z", "2020-02-30T11:21:28Z",
        "2020-09-14T11:21:28Z\n"})
    EXPECT_FALSE(parse_iso8601(text)) << text;
  for (const char* text : {"20200914T112128", "20200914112128Z", "2020-09-14T11:21:28Z",
                           "20200931T112128Z", "20200914T242128Z", "20200914T112128z"})
    EXPECT_FALSE(parse_amz_date(text)) << text;
}

TEST(Timestamp, DropsWhatIsFinerThanAMillisecond) {
  EXPECT_EQ(parse_iso8601("2020-09-14T11:21:28.123999Z").value(), kInstant);
  EXPECT_EQ(parse_iso8601("2020-09-14T11:21:28.1Z").value(), from_epoch_ms(1'600'082'488'100));
}

TEST(Timestamp, ComesBackFromEveryForm) {
  std::mt19937_64 random(7);  // NOLINT(bugprone-random-generator-seed): the same cases every time
  std::uniform_int_distribution<std::int64_t> any(0, 4'102'444'800'000);  // to 2100
  for (int i = 0; i < 2000; ++i) {
    const Timestamp t = from_epoch_ms(any(random));
    const Timestamp whole = std::chrono::floor<seconds>(t);
    EXPECT_EQ(parse_iso8601(format_iso8601_ms(t)).value(), t);
    EXPECT_EQ(parse_iso8601(format_iso8601(t)).value(), whole);
    EXPECT_EQ(parse_amz_date(format_amz_date(t)).value(), whole);
    EXPECT_EQ(parse_http_date(format_http_date(t)).value(), whole);
    EXPECT_EQ(parse_date(format_date(date_of(t))).value(), date_of(t));
  }
}

TEST(Duration, IsReadInEveryUnit) {
  EXPECT_EQ(parse_duration("2w").value(), std::chrono::weeks(2));
  EXPECT_EQ(parse_duration("90d").value(), std::chrono::days(90));
  EXPECT_EQ(parse_duration("12h").value(), std::chrono::hours(12));
  EXPECT_EQ(parse_duration("15m").value(), std::chrono::minutes(15));
  EXPECT_EQ(parse_duration("30s").value(), std::chrono::seconds(30));
  EXPECT_EQ(parse_duration("200ms").value(), milliseconds(200));
  EXPECT_EQ(parse_duration("0s").value(), milliseconds(0));
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"", "d", "90", "-1d", "+1d", "1.5h", "1h30m", " 1h", "1h ", "1H", "1y",
                           "1 h", "0x1h", "h1"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, RefusesWhatOverflows) {
  EXPECT_TRUE(parse_duration("9223372036854775807ms"));
  EXPECT_FALSE(parse_duration("9223372036854775808ms"));
  EXPECT_TRUE(parse_duration("106751991167d"));
  EXPECT_FALSE(parse_duration("106751991168d"));
  EXPECT_FALSE(parse_duration("99999999999999999999999999999s"));
}

TEST(Duration, IsWrittenInTheLongestUnitThatIsExact) {
  EXPECT_EQ(format_duration(std::chrono::hours(24)), "1d");
  EXPECT_EQ(format_duration(std::chrono::minutes(90)), "90m");
  EXPECT_EQ(format_duration(milliseconds(1500)), "1500ms");
  EXPECT_EQ(format_duration(milliseconds(0)), "0s");
  for (std::int64_t ms = 1; ms < 100'000'000'000; ms = ms * 3 + 1)
    EXPECT_EQ(parse_duration(format_duration(milliseconds(ms))).value(), milliseconds(ms));
}

}  // namespace
}  // namespace valetkey
