// SPDX-License-Identifier: Apache-2.0
#include "base/thread_cache.h"

#include <gtest/gtest.h>

#include <thread>

namespace valetkey {
namespace {

struct Counted {
  Counted() { ++alive(); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --alive(); }
  static int& alive() {
    thread_local int count = 0;
    return count;
  }
  int value = 0;
};

TEST(ThreadCache, KeepsForEachOwnerApart) {
  const ThreadCache<Counted> one, other;
  one.get(1).value = 1;
  other.get(1).value = 2;
  EXPECT_EQ(one.get(1).value, 1);
  EXPECT_EQ(other.get(1).value, 2);
}

TEST(ThreadCache, KeepsForEachThreadApart) {
  const ThreadCache<Counted> cache;
  cache.get(1).value = 1;
  std::jthread([&] { EXPECT_EQ(cache.get(1).value, 0); }).join();
  EXPECT_EQ(cache.get(1).value, 1);
}

TEST(ThreadCache, BeginsAnewWithAnotherVersionAndNeverGoesBack) {
  const ThreadCache<Counted> cache;
  cache.get(1).value = 1;
  EXPECT_EQ(cache.get(2).value, 0);
  EXPECT_EQ(cache.get(1).value, 0);
}

TEST(ThreadCache, GivesALaterOwnerNothingOfAFormerOneAndDropsThat) {
  std::jthread([] {
    for (int i = 0; i < 3; ++i) {
      const ThreadCache<Counted> cache;  // most likely at the same address
      EXPECT_EQ(cache.get(1).value, 0);
      cache.get(1).value = 7;
      EXPECT_EQ(Counted::alive(), 1);
    }
  }).join();
}

TEST(RecentMap, ForgetsWhatWasNotFoundForLongest) {
  RecentNames<int, 100> map;
  for (int i = 0; i < 300; ++i) {
    map.insert(std::to_string(i), i);
    ASSERT_TRUE(map.find("0")) << i;  // used all the time
    ASSERT_LE(map.size(), 100U);
  }
  EXPECT_EQ(*map.find("0"), 0);
  EXPECT_FALSE(map.find("1"));
  EXPECT_EQ(*map.find("299"), 299);
  map.insert("299", 1);
  EXPECT_EQ(*map.find("299"), 1);
}

}  // namespace
}  // namespace valetkey
