// SPDX-License-Identifier: Apache-2.0
#include "http/body_memory.h"

#include <gtest/gtest.h>

namespace valetkey::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kKiB = 1024;
const Address kOne = Address::parse("192.0.2.1").value();
const Address kTwo = Address::parse("192.0.2.2").value();

// One body, which notes whether it was cut.
struct Held {
  Held(BodyMemory& memory, const Address* block)
      : share(std::in_place, memory, block, [this] { ++cuts; }) {}
  int cuts = 0;
  std::optional<BodyMemory::Share> share;
};

class BodyMemoryTest : public testing::Test {
 protected:
  BodyMemory memory_{{.max_bytes = 100 * kKiB, .max_bytes_per_block = 60 * kKiB, .patience = 2s}};
  const BodyMemory::Time start_ = std::chrono::steady_clock::now();
};

TEST_F(BodyMemoryTest, BoundsTheSumAndEachBlock) {
  Held a(memory_, &kOne), b(memory_, &kOne), c(memory_, &kTwo), free(memory_, nullptr);
  EXPECT_TRUE(a.share->hold(40 * kKiB, start_));
  EXPECT_FALSE(b.share->hold(21 * kKiB, start_)) << "of the block";
  EXPECT_TRUE(b.share->hold(20 * kKiB, start_));
  EXPECT_TRUE(c.share->hold(30 * kKiB, start_));
  EXPECT_FALSE(c.share->hold(41 * kKiB, start_)) << "of all";
  EXPECT_EQ(memory_.held(), 90 * kKiB);
  EXPECT_TRUE(free.share->hold(10 * kKiB, start_));
  EXPECT_TRUE(free.share->hold(5 * kKiB, start_)) << "it has more";
  EXPECT_FALSE(free.share->hold(SIZE_MAX, start_));
  EXPECT_EQ(a.cuts + b.cuts + c.cuts + free.cuts, 0) << "nothing has stalled yet";
  a.share.reset();
  EXPECT_EQ(memory_.held(), 60 * kKiB);
  EXPECT_TRUE(c.share->hold(41 * kKiB, start_));
}

TEST_F(BodyMemoryTest, CutsWhatStalledLongestAndNoMoreThanNeeded) {
  Held a(memory_, &kOne), b(memory_, &kOne), c(memory_, &kTwo), d(memory_, nullptr);
  EXPECT_TRUE(a.share->hold(30 * kKiB, start_));
  EXPECT_TRUE(b.share->hold(30 * kKiB, start_ + 1s));
  EXPECT_TRUE(c.share->hold(40 * kKiB, start_ + 1s));
  EXPECT_FALSE(d.share->hold(20 * kKiB, start_ + 5s));
  EXPECT_EQ(a.cuts, 1);
  EXPECT_EQ(b.cuts + c.cuts, 0);
  EXPECT_FALSE(d.share->hold(20 * kKiB, start_ + 6s)) << "it has not gone yet";
  EXPECT_EQ(a.cuts, 1);
  EXPECT_EQ(b.cuts, 0) << "what goes is enough";
  EXPECT_TRUE(a.share->is_cut());
  EXPECT_FALSE(a.share->hold(31 * kKiB, start_ + 6s));
  a.share.reset();
  EXPECT_TRUE(d.share->hold(20 * kKiB, start_ + 6s));
}

TEST_F(BodyMemoryTest, CutsOfTheBlockThatIsFull) {
  Held far(memory_, &kTwo), near(memory_, &kOne), late(memory_, &kOne);
  EXPECT_TRUE(far.share->hold(10 * kKiB, start_));
  EXPECT_TRUE(near.share->hold(60 * kKiB, start_ + 1s));
  EXPECT_FALSE(late.share->hold(10 * kKiB, start_ + 5s));
  EXPECT_EQ(near.cuts, 1);
  EXPECT_EQ(far.cuts, 0) << "an older one of a neighbour";
}

TEST_F(BodyMemoryTest, SparesWhatGoesOnAndWhatIsComplete) {
  Held quick(memory_, nullptr), trickle(memory_, nullptr), done(memory_, nullptr);
  EXPECT_TRUE(done.share->hold(20 * kKiB, start_));
  done.share->settle();
  EXPECT_TRUE(quick.share->hold(20 * kKiB, start_));
  EXPECT_TRUE(trickle.share->hold(60 * kKiB, start_));
  quick.share->advance(BodyMemory::kStep, start_ + 4s);
  trickle.share->advance(BodyMemory::kStep - 1, start_ + 4s);
  Held late(memory_, nullptr);
  EXPECT_FALSE(late.share->hold(70 * kKiB, start_ + 5s));
  EXPECT_EQ(trickle.cuts, 1);
  EXPECT_EQ(quick.cuts + done.cuts, 0);
}

TEST_F(BodyMemoryTest, DoesNotTakeAWaitForMemoryForAStall) {
  Held waits(memory_, nullptr), full(memory_, nullptr), late(memory_, nullptr);
  EXPECT_TRUE(waits.share->hold(10 * kKiB, start_));
  EXPECT_TRUE(full.share->hold(90 * kKiB, start_ + 1s));
  EXPECT_FALSE(waits.share->hold(20 * kKiB, start_ + 2s));
  EXPECT_FALSE(late.share->hold(10 * kKiB, start_ + 5s));
  EXPECT_EQ(waits.cuts, 0);
  EXPECT_EQ(full.cuts, 1);
  full.share.reset();
  EXPECT_TRUE(waits.share->hold(20 * kKiB, start_ + 5s));
  EXPECT_FALSE(late.share->hold(90 * kKiB, start_ + 6s));
  EXPECT_EQ(waits.cuts, 0) << "its time begins again";
  EXPECT_FALSE(late.share->hold(90 * kKiB, start_ + 7s));
  EXPECT_EQ(waits.cuts, 1);
}

// However many large bodies stall, grow or wait: a small one needs a fraction of a second.
TEST_F(BodyMemoryTest, CutsLargerOnesThatAreQuietForASmallOne) {
  Held busy(memory_, &kOne), quiet(memory_, &kOne), small(memory_, &kOne);
  EXPECT_TRUE(busy.share->hold(25 * kKiB, start_));
  EXPECT_TRUE(quiet.share->hold(30 * kKiB, start_));
  EXPECT_FALSE(small.share->hold(10 * kKiB, start_ + 100ms));
  busy.share->advance(BodyMemory::kStep, start_ + 150ms);
  EXPECT_EQ(busy.cuts + quiet.cuts, 0) << "each has its moment";
  EXPECT_FALSE(small.share->hold(10 * kKiB, start_ + 300ms));
  EXPECT_EQ(quiet.cuts, 1);
  EXPECT_EQ(busy.cuts, 0) << "it goes on";
  Held larger(memory_, &kOne);
  EXPECT_FALSE(larger.share->hold(40 * kKiB, start_ + 1s));
  EXPECT_EQ(busy.cuts, 0) << "of a larger one it has nothing to fear";
}

TEST_F(BodyMemoryTest, CutsLargerOnesThatWaitForMore) {
  Held a(memory_, &kOne), b(memory_, &kOne), small(memory_, &kOne);
  EXPECT_TRUE(a.share->hold(30 * kKiB, start_));
  EXPECT_TRUE(b.share->hold(30 * kKiB, start_));
  EXPECT_FALSE(a.share->hold(50 * kKiB, start_));
  EXPECT_FALSE(b.share->hold(50 * kKiB, start_));
  EXPECT_EQ(a.cuts + b.cuts, 0) << "none is larger than another would be";
  EXPECT_FALSE(small.share->hold(5 * kKiB, start_));
  EXPECT_EQ(a.cuts + b.cuts, 1);
}

TEST_F(BodyMemoryTest, KeepsRoomForTheSmallestThatWaits) {
  Held full(memory_, &kOne), grows(memory_, &kOne), small(memory_, &kOne);
  EXPECT_TRUE(full.share->hold(50 * kKiB, start_));
  EXPECT_TRUE(grows.share->hold(10 * kKiB, start_));
  EXPECT_FALSE(small.share->hold(20 * kKiB, start_));
  full.share.reset();
  EXPECT_FALSE(grows.share->hold(60 * kKiB, start_))
      << "so much would leave none for the small one";
  EXPECT_TRUE(small.share->hold(20 * kKiB, start_));
  EXPECT_TRUE(grows.share->hold(40 * kKiB, start_));
}

TEST_F(BodyMemoryTest, KeepsNoRoomForWhatHasGone) {
  Held full(memory_, &kOne), grows(memory_, &kOne);
  EXPECT_TRUE(full.share->hold(50 * kKiB, start_));
  {
    Held gone(memory_, &kOne);
    EXPECT_FALSE(gone.share->hold(20 * kKiB, start_));
  }
  full.share.reset();
  EXPECT_TRUE(grows.share->hold(60 * kKiB, start_));
}

TEST(BodyMemory, HasNoLimitOfBlocksWhereItIsZero) {
  BodyMemory memory({.max_bytes = 100, .max_bytes_per_block = 0});
  Held all(memory, &kOne);
  EXPECT_TRUE(all.share->hold(100, std::chrono::steady_clock::now()));
}

}  // namespace
}  // namespace valetkey::http
