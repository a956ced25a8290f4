// SPDX-License-Identifier: Apache-2.0
#include "storage/listed_figures.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "storage/testing/memory_store.h"

namespace valetkey::storage {
namespace {

using testing::ElementsAre;

const Timestamp kNow = Timestamp(std::chrono::seconds(1'700'000'000));  // 2023-11-14

class Listed : public testing::Test {
 protected:
  void put(std::string_view name, std::size_t bytes = 1, std::optional<std::uint64_t> rows = {},
           Timestamp modified = kNow, std::string_view account = "12") {
    store.put(fmt::format("v1/account_id={}/{}", account, name), std::string(bytes, 'x'), modified,
              rows);
  }
  // "decisions 2023-11-13 2/30/7 complete": parts, bytes, rows; "?" for what nobody knows.
  std::vector<std::string> days() {
    std::vector<std::string> out;
    for (const DaySums& day : figures.days("12").value()) {
      const Sums& sums = day.sums;
      const std::string sizes = sums.counted
                                    ? fmt::format("{}/{}/{}", sums.parts, sums.bytes,
                                                  sums.rows ? fmt::to_string(*sums.rows) : "?")
                                    : "?";
      out.push_back(fmt::format("{} {} {}{}", day.type, format_date(day.day), sizes,
                                day.complete ? " complete" : ""));
    }
    return out;
  }
  // So many parts a day, from a day on.
  void fill(std::string_view type, Date first, int days, int parts) {
    for (int day = 0; day < days; ++day)
      for (int part = 0; part < parts; ++part)
        put(fmt::format("type={}/date={}/experiment=1/{:06}.parquet", type,
                        format_date(first + std::chrono::days(day)), part));
  }

  MemoryStore store;
  ManualClock clock{kNow};
  ListedFigures figures{store, clock};
};

TEST_F(Listed, AddsUpDaysOfTheAccountAlone) {
  put("type=decisions/date=2023-11-13/experiment=1/a.parquet", 20, 4);
  put("type=decisions/date=2023-11-13/experiment=2/a.parquet", 10, 3);
  put("type=decisions/date=2023-11-13/_SUCCESS", 0);
  put("type=decisions/date=2023-11-14/experiment=1/a.parquet", 5);
  put("type=events/date=2023-11-13/event=bought/a.parquet", 7, 1);
  put("type=events/date=2023-11-13/event=bought/notes.txt", 7);
  put("type=events/date=yesterday/event=bought/a.parquet", 7);
  put("type=other/date=2023-11-13/event=bought/a.parquet", 7);
  put("type=events/date=2023-11-13/event=bought/b.parquet", 100, 1, kNow, "123");
  EXPECT_THAT(days(), ElementsAre("decisions 2023-11-13 2/30/7 complete", "events 2023-11-13 1/7/1",
                                  "decisions 2023-11-14 1/5/?"));
}

TEST_F(Listed, KnowsNothingOfAnEmptyBucket) {
  EXPECT_THAT(days(), ElementsAre());
  EXPECT_LE(store.lists, 2U);
}

TEST_F(Listed, AnswersForAMinuteWithoutAskingAgain) {
  put("type=events/date=2023-11-13/event=bought/a.parquet");
  EXPECT_EQ(days().size(), 1U);
  const std::size_t asked = store.lists;
  put("type=events/date=2023-11-14/event=bought/a.parquet");
  clock.advance(std::chrono::seconds(59));
  EXPECT_EQ(days().size(), 1U);
  EXPECT_EQ(store.lists, asked);
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(days().size(), 2U);
}

TEST_F(Listed, CountsTheNewestMonthFirstAndListsNoMoreThanItMay) {
  const Date today = date_of(kNow);
  store.largest_page = 100;
  fill("decisions", today - std::chrono::days(99), 100, 30);  // 3,000 parts: 30 listings
  fill("events", today - std::chrono::days(1), 2, 10);
  const auto found = figures.days("12").value();
  EXPECT_LE(store.lists, static_cast<std::size_t>(kListingsOfAccount));
  ASSERT_EQ(found.size(), 102U);
  std::size_t uncounted = 0;
  for (const DaySums& day : found) {
    if (day.day >= today - std::chrono::days(31)) {
      EXPECT_TRUE(day.sums.counted) << format_date(day.day);
      EXPECT_EQ(day.sums.parts, day.type == "events" ? 10U : 30U) << format_date(day.day);
    }
    if (day.sums.counted) EXPECT_GT(day.sums.parts, 0U);
    uncounted += day.sums.counted ? 0 : 1;
  }
  EXPECT_GT(uncounted, 0U);
  EXPECT_LT(uncounted, 69U) << "what is left is spent on older days";
  EXPECT_TRUE(found.front().sums.counted) << "from the first day on";
}

TEST_F(Listed, ADayThatTheListingsEndInIsNotHalfCounted) {
  const Date today = date_of(kNow);
  store.largest_page = 100;
  fill("decisions", today, 1, 100 * kListingsOfAccount);
  EXPECT_THAT(days(), ElementsAre("decisions " + format_date(today) + " ?"));
}

TEST_F(Listed, PagesThroughPartitions) {
  for (const char* name : {"1/a", "1/b", "10/a", "2/a"})
    put(fmt::format("type=decisions/date=2023-11-13/experiment={}.parquet", name), 3, 2);
  put("type=decisions/date=2023-11-13/_SUCCESS", 0);
  const std::string day = "v1/account_id=12/type=decisions/date=2023-11-13/";
  const auto first = figures.partitions(day, "", 2).value();
  ASSERT_EQ(first.partitions.size(), 2U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.partitions[0].partition, "experiment=1");
  EXPECT_EQ(first.partitions[0].sums.rows, 4U);
  EXPECT_EQ(first.partitions[1].partition, "experiment=10");
  const auto rest = figures.partitions(day, "experiment=10", 2).value();
  ASSERT_EQ(rest.partitions.size(), 1U);
  EXPECT_FALSE(rest.more);
  EXPECT_EQ(rest.partitions[0].partition, "experiment=2");
}

TEST_F(Listed, APartitionTooLargeToAddUpIsNamedAndTheNextOnesFollow) {
  const Date today = date_of(kNow);
  store.largest_page = 100;
  fill("decisions", today, 1, 100 * kListingsOfDay);
  put("type=decisions/date=2023-11-14/experiment=2/a.parquet");
  const std::string day = "v1/account_id=12/type=decisions/date=2023-11-14/";
  const auto first = figures.partitions(day, "", 100).value();
  EXPECT_EQ(store.lists, static_cast<std::size_t>(kListingsOfDay));
  ASSERT_EQ(first.partitions.size(), 1U);
  EXPECT_FALSE(first.partitions[0].sums.counted);
  EXPECT_TRUE(first.more);
  const auto rest = figures.partitions(day, first.partitions[0].partition, 100).value();
  ASSERT_EQ(rest.partitions.size(), 1U);
  EXPECT_EQ(rest.partitions[0].sums.parts, 1U);
  EXPECT_FALSE(rest.more);
}

TEST_F(Listed, APartitionThatTheListingsEndInComesWithTheNextPage) {
  put("type=decisions/date=2023-11-14/experiment=0/a.parquet");
  store.largest_page = 100;
  fill("decisions", date_of(kNow), 1, 100 * kListingsOfDay);
  const std::string day = "v1/account_id=12/type=decisions/date=2023-11-14/";
  const auto first = figures.partitions(day, "", 100).value();
  ASSERT_EQ(first.partitions.size(), 1U);
  EXPECT_EQ(first.partitions[0].partition, "experiment=0");
  EXPECT_TRUE(first.partitions[0].sums.counted);
  EXPECT_TRUE(first.more);
}

TEST_F(Listed, FindsThePartThatWasWrittenLast) {
  put("type=events/date=2023-11-13/event=a/1.parquet", 1, {}, kNow - std::chrono::seconds(9));
  put("type=events/date=2023-11-13/event=b/2.parquet", 1, {}, kNow);
  put("type=events/date=2023-11-13/event=c/3.parquet", 1, {}, kNow - std::chrono::seconds(5));
  put("type=events/date=2023-11-13/_SUCCESS", 0, {}, kNow + std::chrono::seconds(5));
  const std::string day = "v1/account_id=12/type=events/date=2023-11-13/";
  EXPECT_THAT(figures.latest(day).value()->key, testing::EndsWith("event=b/2.parquet"));
  EXPECT_FALSE(figures.latest("v1/account_id=12/type=events/date=2023-11-12/").value());
}

TEST_F(Listed, ABucketThatIsAwayIsSaidSo) {
  store.failure = Error{ErrorCode::unavailable, "the bucket does not answer"};
  EXPECT_EQ(figures.days("12").error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace valetkey::storage
