// SPDX-License-Identifier: Apache-2.0
// What the keeper says of keys and stores that fail, and that it goes on with what there was. Its looks by hand.
#include "server/keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/testing/faulty_keys.h"
#include "base/testing/manual_clock.h"
#include "base/testing/memory_keys.h"
#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"
#include "storage/testing/faulty_store.h"
#include "storage/testing/memory_store.h"

namespace valetkey::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() { EXPECT_TRUE(feed_.poll()); }
  static config::Config config() {
    config::Config made;
    made.limits.disk_watermark_percent = 100;
    made.limits.min_free_bytes = 0;
    return made;
  }
  std::vector<std::string> problems() {
    keeper_.look();
    return keeper_.health()->problems(clock_.now());
  }
  std::vector<std::string> warnings() {
    keeper_.look();
    return keeper_.health()->warnings(clock_.now());
  }

  TemporaryFolder folder_;
  ManualClock clock_{from_epoch_ms(1'600'000'000'000)};
  MemoryKeys kept_keys_{Keyring::make(clock_.now() - std::chrono::hours(1))};
  FaultyCalls key_calls_;
  FaultyKeys keys_{kept_keys_, key_calls_};
  std::unique_ptr<control::ControlStore> sqlite_ =
      control::open_sqlite_store(folder_.path() / "control.db").value();
  control::FaultyControlStore control_{*sqlite_};
  control::ChangeFeed feed_{control_, clock_, std::chrono::hours(1)};
  storage::MemoryStore kept_objects_;
  storage::FaultyStore objects_{kept_objects_};
  Keeper keeper_{
      {keys_, feed_, control_, objects_, nullptr, folder_.path(), nullptr}, config(), clock_};
};

TEST_F(KeeperTest, GoesOnWithTheFormerKeysWhileTheirFileCannotBeReadAgain) {
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_THAT(problems(), IsEmpty());
  const auto former = keys_.get();
  kept_keys_.set(former->with_new_key(KeyPurpose::session, clock_.now(), clock_.now()));
  key_calls_.fail_from(1, {ErrorCode::denied, "data.keyring: others can read it"});
  EXPECT_THAT(warnings(), Contains(HasSubstr("data.keyring: others can read it")));
  EXPECT_THAT(problems(), IsEmpty()) << "it serves";
  EXPECT_EQ(keys_.get(), former);
  EXPECT_EQ(keeper_.health()->keys.size(), former->keys().size());
  key_calls_.fail_call(0);
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_EQ(keeper_.health()->keys.size(), former->keys().size() + 1);
}

TEST_F(KeeperTest, SaysThatNothingCanBeSealedWithoutAKey) {
  kept_keys_.set(Keyring::make(clock_.now() + std::chrono::hours(1)));
  EXPECT_THAT(problems(), Contains(HasSubstr("key")));
  kept_keys_.set(Keyring::make(clock_.now()));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(KeeperTest, SaysWhyObjectsCannotBeRead) {
  objects_.fail_call(1, ErrorCode::unavailable);
  EXPECT_THAT(problems(), Contains(HasSubstr("the object store cannot be read: made to fail")));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(KeeperTest, SaysWhyTheControlStoreIsNotFollowed) {
  control::ChangeFeed never(control_, clock_, std::chrono::hours(1));
  Keeper keeper({keys_, never, control_, objects_, nullptr, folder_.path(), nullptr}, config(),
                clock_);
  control_.fail_call(1, {ErrorCode::io, "control.db: the disk is gone"});
  keeper.look();
  EXPECT_THAT(keeper.health()->problems(clock_.now()),
              Contains(HasSubstr("control.db: the disk is gone")));
  EXPECT_TRUE(never.poll());
  keeper.look();
  EXPECT_THAT(keeper.health()->problems(clock_.now()), IsEmpty());
}

}  // namespace
}  // namespace valetkey::server
