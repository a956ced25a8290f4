// SPDX-License-Identifier: Apache-2.0
#include "aws/kept_keys.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace valetkey::aws {
namespace {

using std::chrono::minutes;
const Timestamp kStart = parse_iso8601("2026-11-29T10:00:00Z").value();

struct FakeSource {
  std::atomic<int> calls = 0;
  std::atomic<bool> down = false;
  milliseconds life = minutes(60);
  milliseconds takes{0};
  KeptKeys::Source source() {
    return [this](Timestamp now) -> Result<OwnKeys> {
      std::this_thread::sleep_for(takes);
      const int call = ++calls;
      if (down) return fail(ErrorCode::unavailable, "the source is away");
      return OwnKeys{{"KEY" + std::to_string(call), Secret("s"), {}}, now + life, "a test"};
    };
  }
};

TEST(KeptKeys, RefreshesWhenAQuarterOfTheLifeIsLeft) {
  FakeSource fake;
  KeptKeys kept(fake.source());
  EXPECT_EQ((*kept.get(kStart))->keys.access_key_id, "KEY1");
  EXPECT_EQ((*kept.get(kStart + minutes(41)))->keys.access_key_id, "KEY1");
  EXPECT_EQ((*kept.get(kStart + minutes(46)))->keys.access_key_id, "KEY2");
  EXPECT_EQ(fake.calls, 2);
}

TEST(KeptKeys, KeepsTheOldOnesWhileTheSourceIsDown) {
  FakeSource fake;
  KeptKeys kept(fake.source());
  ASSERT_TRUE(kept.get(kStart));
  fake.down = true;
  EXPECT_EQ((*kept.get(kStart + minutes(50)))->keys.access_key_id, "KEY1");
  EXPECT_EQ((*kept.get(kStart + minutes(50) + seconds(1)))->keys.access_key_id, "KEY1");
  EXPECT_EQ(fake.calls, 2) << "a source that is down is not asked at every request";
  const auto ended = kept.get(kStart + minutes(61));
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().detail, "the source is away");
  fake.down = false;
  EXPECT_TRUE(kept.get(kStart + minutes(62)));
}

TEST(KeptKeys, FetchesOnceForAllWhoWait) {
  FakeSource fake;
  fake.takes = milliseconds(50);
  KeptKeys kept(fake.source());
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { good += kept.get(kStart).has_value() ? 1 : 0; });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(fake.calls, 1);
}

TEST(KeptKeys, ForgetsWhatAnEngineRefuses) {
  FakeSource fake;
  KeptKeys kept(fake.source());
  const auto first = kept.get(kStart).value();
  kept.forget(first, kStart);
  EXPECT_EQ((*kept.get(kStart))->keys.access_key_id, "KEY1") << "not before the pause is over";
  EXPECT_EQ((*kept.get(kStart + KeptKeys::kPause))->keys.access_key_id, "KEY2");
  EXPECT_EQ((*kept.get(kStart + KeptKeys::kPause))->keys.access_key_id, "KEY2");
}

TEST(KeptKeys, RefusesCredentialsThatHaveEnded) {
  FakeSource fake;
  fake.life = milliseconds(0);
  KeptKeys kept(fake.source());
  const auto got = kept.get(kStart);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().detail, "a test gives credentials that have ended");
}

}  // namespace
}  // namespace valetkey::aws
