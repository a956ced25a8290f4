// SPDX-License-Identifier: Apache-2.0
#include "storage/small_contents.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace valetkey::storage {
namespace {

class SmallContentsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (contents_.slots() == 0) GTEST_SKIP() << "no memory may be locked here (RLIMIT_MEMLOCK)";
  }
  SmallContents contents_;
};

TEST_F(SmallContentsTest, FindsWhatItKeeps) {
  const auto id = ObjectId::make();
  contents_.insert(id, 0, "content");
  const auto held = contents_.find(id, 0);
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->bytes(), "content");
  EXPECT_EQ(contents_.find(ObjectId::make(), 0), nullptr);
}

TEST_F(SmallContentsTest, LetsEverythingGoWhenTheGenerationGrows) {
  const auto id = ObjectId::make();
  contents_.insert(id, 0, "removed");
  contents_.follow(1);
  EXPECT_EQ(contents_.find(id, 0), nullptr);
  EXPECT_EQ(contents_.find(id, 1), nullptr);
  contents_.insert(id, 0, "removed");  // by a reader that began before
  EXPECT_EQ(contents_.find(id, 1), nullptr);
  EXPECT_EQ(contents_.find(id, 0), nullptr);
}

TEST_F(SmallContentsTest, WipesWhatNobodyHolds) {
  const auto id = ObjectId::make();
  contents_.insert(id, 0, "secret");
  auto held = contents_.find(id, 0);
  ASSERT_NE(held, nullptr);
  const char* place = held->bytes().data();
  contents_.follow(1);
  EXPECT_EQ(std::string_view(place, 6), "secret") << "while it is held";
  held.reset();
  EXPECT_EQ(std::string_view(place, 6), std::string_view("\0\0\0\0\0\0", 6));
}

TEST_F(SmallContentsTest, KeepsWhatIsAskedForAndDropsTheRest) {
  const auto wanted = ObjectId::make();
  contents_.insert(wanted, 0, "wanted");
  for (std::size_t n = 0; n < 3 * contents_.slots(); ++n) {
    contents_.insert(ObjectId::make(), 0, "passing");
    ASSERT_NE(contents_.find(wanted, 0), nullptr) << n;
  }
}

TEST_F(SmallContentsTest, KeepsNothingMoreWhileReadersHoldAll) {
  std::vector<SmallContents::Held> held;
  for (std::size_t n = 0; n < contents_.slots(); ++n) {
    const auto id = ObjectId::make();
    contents_.insert(id, 0, std::to_string(n));
    held.push_back(contents_.find(id, 0));
    ASSERT_NE(held.back(), nullptr);
  }
  const auto one_more = ObjectId::make();
  contents_.insert(one_more, 0, "one more");
  EXPECT_EQ(contents_.find(one_more, 0), nullptr);
  for (std::size_t n = 0; n < held.size(); ++n) EXPECT_EQ(held[n]->bytes(), std::to_string(n));
  held.clear();
  contents_.insert(one_more, 0, "one more");
  EXPECT_NE(contents_.find(one_more, 0), nullptr);
}

TEST_F(SmallContentsTest, KeepsNothingThatIsTooLarge) {
  const auto id = ObjectId::make();
  contents_.insert(id, 0, std::string(SmallContents::kMaxBytes + 1, 'x'));
  EXPECT_EQ(contents_.find(id, 0), nullptr);
  contents_.insert(id, 0, std::string(SmallContents::kMaxBytes, 'x'));
  EXPECT_NE(contents_.find(id, 0), nullptr);
}

TEST_F(SmallContentsTest, ServesManyThreadsWholeContents) {
  std::vector<ObjectId> ids(2 * contents_.slots());
  for (auto& id : ids) id = ObjectId::make();
  const auto work = [&](unsigned seed) {
    for (unsigned n = 0; n < 20'000; ++n) {
      const auto which = (n * 7919 + seed) % ids.size();
      const std::string content(100 + which, static_cast<char>('a' + which % 26));
      if (n % 5'000 == 0) contents_.follow(n);
      if (const auto held = contents_.find(ids[which], n / 5'000 * 5'000))
        ASSERT_EQ(held->bytes(), content);
      else
        contents_.insert(ids[which], n / 5'000 * 5'000, content);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) threads.emplace_back(work, seed);
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace valetkey::storage
