// SPDX-License-Identifier: Apache-2.0
#include "cli/selection.h"

#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

using Prefixes = std::vector<std::string>;

TEST(Selection, IsEverythingWhereNothingIsSaid) {
  Selection all;
  ASSERT_TRUE(all.check());
  EXPECT_EQ(all.simple_prefixes(), Prefixes{""});
}

TEST(Selection, NamesDaysAndPartitions) {
  Selection day;
  day.date = "2026-03-10";
  ASSERT_TRUE(day.check());
  EXPECT_EQ(day.simple_prefixes(),
            (Prefixes{"type=decisions/date=2026-03-10/", "type=events/date=2026-03-10/"}));
  day.event = "a:b c";
  ASSERT_TRUE(day.check());
  EXPECT_EQ(day.simple_prefixes(), Prefixes{"type=events/date=2026-03-10/event=a%3Ab c/"});
}

TEST(Selection, FindsALongNameWhereItIsShortened) {
  Selection day;
  day.date = "2026-03-10";
  day.event = std::string(241, 'x');
  ASSERT_TRUE(day.check());
  const std::string prefix = day.simple_prefixes().front();
  EXPECT_TRUE(
      prefix.starts_with("type=events/date=2026-03-10/event=" + std::string(200, 'x') + "~"));
  EXPECT_TRUE(prefix.ends_with('/'));
  EXPECT_LT(prefix.size(), 255U);
}

TEST(Selection, ListsNoPrefixTwice) {
  Selection typed;
  typed.prefixes = {"type=events/date=1", "type=events/", "type=decisions/", "type=events/"};
  ASSERT_TRUE(typed.check());
  EXPECT_EQ(typed.simple_prefixes(), (Prefixes{"type=decisions/", "type=events/"}));
}

TEST(Selection, RefusesContradictions) {
  const auto refused = [](auto change) {
    Selection selection;
    change(selection);
    return !selection.check();
  };
  EXPECT_TRUE(refused([](Selection& s) { s.prefixes = {"./data"}; }));
  EXPECT_TRUE(refused([](Selection& s) { s.date = s.start = "2026-02-03"; }));
  EXPECT_TRUE(refused([](Selection& s) {
    s.start = "2026-02-03";
    s.end = "2026-02-02";
  }));
  EXPECT_TRUE(refused([](Selection& s) {
    s.type = "events";
    s.experiment = "1";
  }));
  EXPECT_TRUE(refused([](Selection& s) { s.experiment = s.event = "1"; }));
  EXPECT_TRUE(refused([](Selection& s) {
    s.prefixes = {"a"};
    s.type = "events";
  }));
}

TEST(Selection, CountsDaysFromToday) {
  const auto selected = [](auto type) {
    TypedDays typed;
    type(typed);
    Selection selection;
    const auto done = selection.set_days(typed, parse_date("2026-03-10").value());
    return done ? selection.date + "|" + selection.start + "|" + selection.end
                : done.error().detail;
  };
  using std::chrono::days;
  const auto day = terminal::Day::parse;
  EXPECT_EQ(selected([&](TypedDays& t) { t.date = day("yesterday"); }), "2026-03-09||");
  EXPECT_EQ(selected([](TypedDays& t) { t.last = days(30); }), "|2026-02-09|");
  EXPECT_EQ(selected([](TypedDays& t) { t.last = days(1); }), "|2026-03-10|");
  const auto range = [&](const char* from, const char* to) {
    return selected([&](TypedDays& t) {
      t.start = day(from);
      t.end = day(to);
    });
  };
  EXPECT_EQ(range("2w", "today"), "|2026-02-24|2026-03-10");
  EXPECT_EQ(range("today", "2w"), "--start is after --end");
  EXPECT_EQ(selected([&](TypedDays& t) {
              t.last = days(30);
              t.end = day("today");
            }),
            "--last does not go with --date, --start and --end");
}

TEST(Selection, KnowsWhatIsOfIt) {
  Selection some;
  some.type = "events";
  some.start = "2026-03-02";
  some.event = "a b";
  EXPECT_TRUE(some.is_of("type=events/date=2026-03-02/event=a b/x"));
  EXPECT_TRUE(some.is_of("type=events/date=2026-03-09/event=__other__/x"));
  EXPECT_FALSE(some.is_of("type=events/date=2026-03-01/event=a b/x"));
  EXPECT_FALSE(some.is_of("type=events/date=2026-03-02/event=a/x"));
  EXPECT_FALSE(some.is_of("type=decisions/date=2026-03-02/event=a b/x"));
  EXPECT_FALSE(some.is_of("type=events/x"));
  Selection parts;
  parts.prefixes = {"type=events/date=2026-03-02/", "type=decisions/"};
  EXPECT_TRUE(parts.is_of("type=decisions/x"));
  EXPECT_FALSE(parts.is_of("type=events/date=2026-03-03/x"));
  parts.type = "events";
  EXPECT_FALSE(parts.is_of("type=decisions/x"));
}

TEST(Selection, SaysWhatWasAskedFor) {
  Selection some;
  some.event = "buy";
  TypedDays typed;
  typed.last = std::chrono::days(30);
  ASSERT_TRUE(some.set_days(typed, parse_date("2026-03-10").value()));
  ASSERT_TRUE(some.check());
  EXPECT_EQ(some.text(), "--event buy --last 30d");
  EXPECT_EQ(Selection().text(), "");
}

TEST(Selection, TakesWhatIsIncludedAndNotExcluded) {
  Selection patterns;
  patterns.include = {"*event=a*"};
  patterns.exclude = {"*.tmp"};
  EXPECT_TRUE(patterns.takes("type=events/date=1/event=a/part"));
  EXPECT_FALSE(patterns.takes("type=events/date=1/event=a/part.tmp"));
  EXPECT_FALSE(patterns.takes("type=events/date=1/event=b/part"));
}

TEST(Selection, FindsTheDayOfAName) {
  EXPECT_EQ(day_of("type=events/date=2026-03-10/_SUCCESS"), "type=events/date=2026-03-10/");
  EXPECT_EQ(day_of("type=events/date=2026-03-10"), "");
  EXPECT_EQ(day_of("other/date=2026-03-10/x"), "");
}

}  // namespace
}  // namespace valetkey::cli
