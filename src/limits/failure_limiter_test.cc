// SPDX-License-Identifier: Apache-2.0
#include "limits/failure_limiter.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/testing/manual_clock.h"

namespace valetkey::limits {
namespace {

constexpr auto kZero = milliseconds(0);
const Timestamp kStart = from_epoch_ms(1'795'000'000'000);

Address block(std::string_view text) { return Address::parse(text)->block(); }

class FailureLimiterTest : public testing::Test {
 protected:
  ManualClock clock_{kStart};
  FailureLimiter limiter_{LimiterOptions{.burst = 3, .interval = milliseconds(6000)}};
  milliseconds fail(std::string_view address) {
    return limiter_.failed(block(address), clock_.now());
  }
  bool over(std::string_view address) { return limiter_.is_over(block(address), clock_.now()); }
};

TEST_F(FailureLimiterTest, AllowsABurstThenSaysHowLongToWait) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fail("192.0.2.1"), kZero) << i;
  EXPECT_TRUE(over("192.0.2.1"));
  EXPECT_EQ(fail("192.0.2.1"), milliseconds(6000));
  clock_.advance(milliseconds(2000));
  EXPECT_EQ(fail("192.0.2.1"), milliseconds(4000));
}

TEST_F(FailureLimiterTest, ForgivesOneFailureAnInterval) {
  for (int i = 0; i < 4; ++i) (void)fail("192.0.2.1");
  clock_.advance(milliseconds(6000));
  EXPECT_FALSE(over("192.0.2.1"));
  EXPECT_EQ(fail("192.0.2.1"), kZero);
  EXPECT_NE(fail("192.0.2.1"), kZero);
}

TEST_F(FailureLimiterTest, RefusedFailuresDoNotProlongThePenalty) {
  for (int i = 0; i < 1000; ++i) (void)fail("192.0.2.1");
  clock_.advance(milliseconds(6000));
  EXPECT_EQ(fail("192.0.2.1"), kZero);
}

TEST_F(FailureLimiterTest, CountsEachIPv4AddressAndEachIPv6NetworkApart) {
  for (int i = 0; i < 4; ++i) (void)fail("192.0.2.1");
  EXPECT_FALSE(over("192.0.2.2"));
  for (int i = 0; i < 4; ++i) (void)fail("2001:db8::" + std::to_string(i + 1));
  EXPECT_TRUE(over("2001:db8::ffff:1"));
  EXPECT_FALSE(over("2001:db8:0:1::1"));
}

TEST_F(FailureLimiterTest, SurvivesAClockThatIsSetBack) {
  for (int i = 0; i < 4; ++i) (void)fail("192.0.2.1");
  clock_.set(kStart - std::chrono::hours(24));
  EXPECT_TRUE(over("192.0.2.1"));
  EXPECT_LE(fail("192.0.2.1"), milliseconds(6000));
  clock_.set(kStart + std::chrono::hours(24));
  EXPECT_EQ(fail("192.0.2.1"), kZero);
}

TEST_F(FailureLimiterTest, KeepsTheGuiltyWhenStrangersFillTheTable) {
  FailureLimiter small({.burst = 3, .interval = milliseconds(6000), .blocks = 8});
  for (int i = 0; i < 4; ++i) (void)small.failed(block("192.0.2.1"), kStart);
  for (int i = 0; i < 1000; ++i)
    (void)small.failed(block("10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256)),
                       kStart);
  EXPECT_TRUE(small.is_over(block("192.0.2.1"), kStart));
}

TEST_F(FailureLimiterTest, IsOffWithoutABurst) {
  FailureLimiter off({.burst = 0});
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(off.failed(block("192.0.2.1"), kStart), kZero);
  EXPECT_FALSE(off.is_over(block("192.0.2.1"), kStart));
}

TEST_F(FailureLimiterTest, GrantsExactlyTheBurstToManyThreads) {
  FailureLimiter shared({.burst = 100, .interval = milliseconds(6000)});
  std::atomic<int> granted{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        if (shared.failed(block("192.0.2.1"), kStart) == kZero) ++granted;
    });
  threads.clear();
  EXPECT_EQ(granted, 100);
}

}  // namespace
}  // namespace valetkey::limits
