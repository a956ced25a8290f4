// SPDX-License-Identifier: Apache-2.0
#include "limits/account_limits.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace valetkey::limits {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{1000s};

AccountId account(const std::string& text) { return *AccountId::parse(text); }

TEST(AccountLimits, CountsRunningRequestsPerAccount) {
  AccountTable table({.max_requests = 2, .requests_per_s = 0, .bytes_per_s = 0});
  const auto mine = table.find(account("12"));
  Running a;
  Running b;
  Running c;
  EXPECT_TRUE(table.enter(mine, kStart, a));
  EXPECT_TRUE(table.enter(mine, kStart, b));
  EXPECT_FALSE(table.enter(mine, kStart, c));
  EXPECT_TRUE(table.enter(table.find(account("123")), kStart, c)) << "a neighbour must not notice";
  Running moved = std::move(a);
  moved = Running();
  EXPECT_TRUE(table.enter(mine, kStart, a)) << "one has ended";
}

TEST(AccountLimits, KeepsOneStatePerAccount) {
  AccountTable table({});
  EXPECT_EQ(table.find(account("12")), table.find(account("12")));
  EXPECT_NE(table.find(account("12")), table.find(account("123")));
}

TEST(AccountLimits, RefusesBeyondTheRequestRate) {
  AccountTable table({.max_requests = 64, .requests_per_s = 10, .bytes_per_s = 0});
  const auto mine = table.find(account("12"));
  int allowed = 0;
  for (int i = 0; i < 30; ++i) {
    Running running;
    allowed += table.enter(mine, kStart, running) ? 1 : 0;
  }
  EXPECT_EQ(allowed, 10) << "a second's worth at once";
  Running running;
  EXPECT_FALSE(table.enter(mine, kStart + 50ms, running));
  EXPECT_TRUE(table.enter(mine, kStart + 100ms, running));
}

TEST(AccountLimits, PacesBytes) {
  AccountTable table({.max_requests = 64, .requests_per_s = 0, .bytes_per_s = 1000});
  const auto mine = table.find(account("12"));
  EXPECT_EQ(table.pause(*mine, kStart), 0ms);
  table.sent(*mine, kStart, 1000);
  EXPECT_EQ(table.pause(*mine, kStart), 750ms) << "a quarter of a second may come at once";
  EXPECT_EQ(table.pause(*mine, kStart + 750ms), 0ms);
}

TEST(AccountLimits, DoesNotPaceWithoutALimit) {
  AccountTable table({});
  const auto mine = table.find(account("12"));
  table.sent(*mine, kStart, UINT64_MAX);
  EXPECT_EQ(table.pause(*mine, kStart), 0ms);
}

TEST(AccountLimits, ForgetsIdleAccountsAndKeepsBusyOnes) {
  AccountTable table({});
  const auto busy = table.find(account("1"));
  for (int i = 2; i < 10'000; ++i) table.find(account(std::to_string(i)));
  EXPECT_EQ(table.find(account("1")), busy);
}

TEST(AccountLimits, NeverLetsInMoreThanTheLimitFromManyThreads) {
  AccountTable table({.max_requests = 3, .requests_per_s = 0, .bytes_per_s = 0});
  const auto mine = table.find(account("12"));
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        Running running;
        if (!table.enter(mine, kStart, running)) continue;
        const int now = ++inside;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        --inside;
      }
    });
  threads.clear();
  EXPECT_LE(most, 3);
  EXPECT_EQ(mine->running, 0U);
}

}  // namespace
}  // namespace valetkey::limits
