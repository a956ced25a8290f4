// SPDX-License-Identifier: Apache-2.0
#include "exporter/write_budget.h"

#include <gtest/gtest.h>

namespace valetkey::exporter {
namespace {

constexpr Timestamp kNow{std::chrono::hours(490'000)};

TEST(WriteBudget, NeverRefusesWhatIsInProportion) {
  WriteBudget budget({}, 0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(budget.admit("12", kNow, 100, 100 * kFreeRatio));
  EXPECT_TRUE(budget.excess().empty());
}

TEST(WriteBudget, EndsForTheAccountThatSpentIt) {
  WriteBudget budget({}, 10'000);
  EXPECT_TRUE(budget.admit("12", kNow, 100, 10'000 + 100 * kFreeRatio));
  EXPECT_FALSE(budget.admit("12", kNow, 1, 10'000));
  EXPECT_TRUE(budget.admit("12", kNow, 100, 3'000)) << "its ordinary events go on";
  EXPECT_TRUE(budget.admit("13", kNow, 1, 10'000)) << "a neighbour pays nothing";
  EXPECT_TRUE(budget.admit("12", kNow + std::chrono::hours(1), 1, 10'000));
}

TEST(WriteBudget, CountsWhatEarlierBatchesSpent) {
  WriteBudget first({}, 10'000);
  EXPECT_TRUE(first.admit("12", kNow, 1, 8'032));
  WriteBudget second(first.excess(), 10'000);
  EXPECT_FALSE(second.admit("12", kNow, 1, 3'000));
  EXPECT_TRUE(second.admit("12", kNow, 1, 2'000));
}

// Events share what is stored with the first of them.
TEST(WriteBudget, GivesCreditForWhatIsStoredOnce) {
  WriteBudget budget({}, 0);
  EXPECT_TRUE(budget.admit("12", kNow, 1'000, 1'000));
  for (int i = 0; i < 30; ++i) EXPECT_TRUE(budget.admit("12", kNow, 1, 1'000));
  int refused = 0;
  for (int i = 0; i < 30; ++i) refused += budget.admit("12", kNow, 1, 1'000) ? 0 : 1;
  EXPECT_GT(refused, 25);
}

}  // namespace
}  // namespace valetkey::exporter
