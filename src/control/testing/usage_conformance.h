// SPDX-License-Identifier: Apache-2.0
// The part of conformance.h on usage: what is counted by account and day.
#pragma once

#include "control/testing/conformance.h"

namespace valetkey::control {

TEST_P(ControlStoreConformance, SumsUsagePerAccountAndDay) {
  const Date day = date_of(now_);
  const Date next = day + std::chrono::days(1);
  const DayOfUsage stranger{account_id("999"), day, {9, 9, 9, 9, 9}};
  ASSERT_TRUE(store().add_usage(
      {{account_, day, {1, 2, 3, 4, 5}}, stranger, {account_, day, {1, 0, 0, 0, 1}}}, {}));
  ASSERT_TRUE(store().add_usage({{account_, day, {0, 5, 1'000'000'000'000, 0, 0}}}, {}));
  ASSERT_TRUE(store().add_usage({{account_, next, {1, 1, 1, 1, 1}}}, {}));
  const auto usage = store().usage(account_, day, next).value();
  ASSERT_EQ(usage.size(), 2U);
  EXPECT_EQ(usage[0].counts, (UsageCounts{2, 7, 1'000'000'000'003U, 4, 6}));
  EXPECT_EQ(store().usage(std::nullopt, next, next)->size(), 1U);
  EXPECT_EQ(store().usage(std::nullopt, day, day)->size(), 1U);
  EXPECT_TRUE(store().usage(account_id("12"), day, next)->empty());
}

TEST_P(ControlStoreConformance, CapsUsageInsteadOfOverflowing) {
  const Date day = date_of(now_);
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(store().add_usage({{account_, day, {kHuge, kHuge, kHuge, kHuge, kHuge}}}, {}));
  EXPECT_GT(store().usage(account_, day, day)->front().counts.bytes, std::uint64_t{1} << 61);
}

TEST_P(ControlStoreConformance, KeepsTheNewestDaysOfUsageOfEachAccount) {
  const Date first = date_of(now_);
  std::vector<DayOfUsage> days;
  for (int i = 0; i < kDaysOfUsage + 5; ++i)
    days.push_back({account_, first + std::chrono::days(i), {.exchanges = 1}});
  ASSERT_TRUE(store().add_usage(days, {}));
  const auto kept = store().usage(account_, first, days.back().day).value();
  ASSERT_EQ(kept.size(), static_cast<std::size_t>(kDaysOfUsage));
  EXPECT_EQ(kept.front().day, first + std::chrono::days(5));
}

TEST_P(ControlStoreConformance, RemembersTheLastUseOfATokenAndNeverAnEarlierOne) {
  const Token token = make(wanted(), "secret");
  EXPECT_FALSE(store().token(token.id)->last_used);
  const Timestamp later = now_ + std::chrono::hours(1);
  ASSERT_TRUE(store().add_usage({}, {{token.id, later, "192.0.2.7"}, {make_token_id(), now_, ""}}));
  ASSERT_TRUE(store().add_usage({}, {{token.id, now_, "192.0.2.8"}}));
  EXPECT_EQ(store().token(token.id)->last_used, later);
  EXPECT_EQ(store().tokens(account_, std::nullopt)->front().last_used_from, "192.0.2.7");
}

TEST_P(ControlStoreConformance, PurgesUsageWithTheAccountForGood) {
  const Token token = make(wanted(), "secret");
  const Date day = date_of(now_);
  const auto add = [&] {
    return store().add_usage({{account_, day, {1, 1, 1, 1, 1}}}, {{token.id, now_, "192.0.2.7"}});
  };
  ASSERT_TRUE(add());
  EXPECT_EQ(store().usage(account_, day, day)->size(), 1U);
  ASSERT_TRUE(store().set_account_state(account_, AccountState::deleted, now_));
  EXPECT_EQ(store().usage(account_, day, day)->size(), 1U) << "for the last bill";
  ASSERT_TRUE(store().purge_account(account_));
  ASSERT_TRUE(add()) << "a server that had not heard of it yet";
  EXPECT_TRUE(store().usage(account_, day, day)->empty());
}

}  // namespace valetkey::control
