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
  EXPECT_TRUE(refused([](Selection& s) { s.date = "2026-02-30"; }));
  EXPECT_TRUE(refused([](Selection& s) { s.start = "../.."; }));
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
