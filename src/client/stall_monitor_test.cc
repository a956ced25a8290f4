// SPDX-License-Identifier: Apache-2.0
#include "client/stall_monitor.h"

#include <gtest/gtest.h>

#include <vector>

namespace valetkey::client {
namespace {

using std::chrono::seconds;

struct WatchTest : testing::Test {
  // What is said within that time.
  std::vector<std::string> pass(seconds length) {
    std::vector<std::string> lines;
    for (const auto end = now + length; now < end;) {
      now += StallMonitor::kEvery;
      if (auto line = monitor.look(now); !line.empty()) lines.push_back(std::move(line));
    }
    return lines;
  }
  static bool holds(const std::string& text, const char* words) {
    return text.find(words) != std::string::npos;
  }

  StallMonitor monitor;
  StallMonitor::Time now = std::chrono::steady_clock::now();
};

TEST_F(WatchTest, SaysWhomItWaitsForAndThatItGoesOn) {
  const StallMonitor::Call call(&monitor);
  monitor.asked("http://api");
  EXPECT_TRUE(pass(seconds(2)).empty());
  const auto lines = pass(seconds(20));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(holds(lines[0], "http://api has not answered for 3 s")) << lines[0];
  monitor.moved();
  const auto after = pass(seconds(1));
  ASSERT_EQ(after.size(), 1U);
  EXPECT_TRUE(holds(after[0], "going on after 22 s")) << after[0];
}

TEST_F(WatchTest, SaysWhatFailsAndSaysItAgainAfterAMinute) {
  const StallMonitor::Call call(&monitor);
  monitor.asked("http://api");
  monitor.failed({ErrorCode::unavailable, "http://api answers 502"},
                 now + std::chrono::minutes(15));
  const auto lines = pass(seconds(120));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(holds(lines[0], "waiting up to 15 minutes more: ")) << lines[0];
  EXPECT_TRUE(holds(lines[1], "waiting up to 14 minutes more: ")) << lines[1];
  for (const auto& line : lines) EXPECT_TRUE(holds(line, "http://api answers 502")) << line;
}

TEST_F(WatchTest, SaysNothingWhileSomethingMoves) {
  const StallMonitor::Call call(&monitor);
  for (int i = 0; i < 10; ++i) {
    monitor.failed({ErrorCode::unavailable, "one of many"}, now + seconds(60));
    EXPECT_TRUE(pass(seconds(2)).empty());
    monitor.moved();
  }
}

TEST_F(WatchTest, SaysNothingWhileNothingIsAskedFor) {
  EXPECT_TRUE(pass(seconds(10)).empty());
  {
    const StallMonitor::Call call(&monitor);
    EXPECT_TRUE(pass(seconds(2)).empty());
  }
  EXPECT_TRUE(pass(seconds(10)).empty());
  const StallMonitor::Call call(&monitor);
  EXPECT_TRUE(pass(seconds(2)).empty());
}

// Such as the MD5 of a large file, on the loop's own thread.
TEST_F(WatchTest, BlamesNobodyForItsOwnWork) {
  const StallMonitor::Call call(&monitor);
  EXPECT_TRUE(pass(seconds(1)).empty());
  now += seconds(30);
  EXPECT_TRUE(pass(seconds(2)).empty());
  EXPECT_EQ(pass(seconds(3)).size(), 1U);
}

}  // namespace
}  // namespace valetkey::client
