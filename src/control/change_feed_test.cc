// SPDX-License-Identifier: Apache-2.0
#include "control/change_feed.h"

#include <gtest/gtest.h>

#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"

namespace valetkey::control {
namespace {

class ChangeFeedTest : public testing::Test {
 protected:
  bool eventually(const std::function<bool()>& holds) {
    for (int tries = 0; tries < 200 && !holds(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return holds();
  }
  TemporaryFolder folder_;
  std::unique_ptr<ControlStore> store_ = open_sqlite_store(folder_.path() / "control.db").value();
  FaultyControlStore faulty_{*store_};
  ManualClock clock_{from_epoch_ms(1'700'000'000'000)};
  const AccountId account_ = *AccountId::parse("1");
};

TEST_F(ChangeFeedTest, IsStaleUntilItsFirstLook) {
  ChangeFeed feed(*store_, clock_, std::chrono::hours(1));
  EXPECT_FALSE(feed.fresh());
  ASSERT_TRUE(feed.start());
  EXPECT_TRUE(feed.fresh());
  EXPECT_NE(feed.revocations(), nullptr);
}

TEST_F(ChangeFeedTest, SaysWhyItCannotStart) {
  faulty_.fail_call(1, {ErrorCode::io, "the disk is gone"});
  ChangeFeed feed(faulty_, clock_, std::chrono::hours(1));
  EXPECT_EQ(feed.start().error().detail, "the disk is gone");
  EXPECT_FALSE(feed.fresh());
}

TEST_F(ChangeFeedTest, BringsARevocationByItself) {
  ChangeFeed feed(*store_, clock_, std::chrono::hours(1), milliseconds(10));
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  ASSERT_TRUE(feed.start());
  const std::uint64_t before = feed.generation();
  // Another process, which shares only the file.
  const auto other = open_sqlite_store(folder_.path() / "control.db").value();
  ASSERT_TRUE(other->set_account_state(account_, AccountState::suspended, clock_.now()));
  EXPECT_TRUE(eventually([&] { return feed.generation() > before; }));
  EXPECT_TRUE(feed.revocations()->contains(account_.str()));
}

TEST_F(ChangeFeedTest, ShowsAnOwnWriteAfterAPoll) {
  ChangeFeed feed(*store_, clock_, std::chrono::hours(1), std::chrono::hours(1));
  ASSERT_TRUE(feed.start());
  const std::uint64_t before = feed.generation();
  feed.poll();
  EXPECT_EQ(feed.generation(), before);
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::suspended, clock_.now()));
  feed.poll();
  EXPECT_GT(feed.generation(), before);
  EXPECT_EQ(feed.revocations()->size(), 1U);
}

TEST_F(ChangeFeedTest, LeavesOldRevocationsOut) {
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::suspended, clock_.now()));
  clock_.advance(std::chrono::hours(1));
  ChangeFeed feed(*store_, clock_, std::chrono::hours(1), std::chrono::hours(1));
  ASSERT_TRUE(feed.start());
  EXPECT_EQ(feed.revocations()->size(), 1U);  // within the slack
  clock_.advance(std::chrono::hours(1));
  ASSERT_TRUE(store_->create_account(*AccountId::parse("2"), "", clock_.now()));
  feed.poll();
  EXPECT_EQ(feed.revocations()->size(), 0U);
}

TEST_F(ChangeFeedTest, ReadsWhatChangedSinceTheLastLookAndNoMore) {
  struct Asked final : FaultyControlStore {
    using FaultyControlStore::FaultyControlStore;
    std::vector<std::uint64_t> after;
    Result<std::vector<Revocation>> revocations(Timestamp newer_than,
                                                std::uint64_t changed_after) override {
      after.push_back(changed_after);
      return FaultyControlStore::revocations(newer_than, changed_after);
    }
  } asked(*store_);
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::suspended, clock_.now()));
  const std::uint64_t seen = store_->change_counter().value();
  ASSERT_TRUE(store_->create_account(*AccountId::parse("2"), "", clock_.now()));
  EXPECT_TRUE(store_->revocations(clock_.now(), seen)->empty());
  ChangeFeed feed(asked, clock_, std::chrono::hours(1), std::chrono::hours(1));
  ASSERT_TRUE(feed.start());
  const std::uint64_t at_start = store_->change_counter().value();
  ASSERT_TRUE(
      store_->set_account_state(*AccountId::parse("2"), AccountState::suspended, clock_.now()));
  EXPECT_EQ(store_->revocations(clock_.now(), seen)->size(), 1U);
  feed.poll();
  EXPECT_EQ(feed.revocations()->size(), 2U);
  EXPECT_EQ(asked.after, (std::vector<std::uint64_t>{0, at_start}));
}

// As after `restore`: the counter is less, and what it counts is another history.
TEST_F(ChangeFeedTest, ReadsEverythingAgainWhereTheCounterWentBack) {
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  const auto copy = folder_.path() / "copy.db";
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::suspended, clock_.now()));
  ASSERT_TRUE(backup_sqlite_store(folder_.path() / "control.db", copy));
  ASSERT_TRUE(store_->create_account(*AccountId::parse("2"), "", clock_.now()));
  const auto former = open_sqlite_store(copy).value();
  struct Switch final : FaultyControlStore {  // one store, then another
    using FaultyControlStore::FaultyControlStore;
    ControlStore* in_its_place = nullptr;
    Result<std::uint64_t> change_counter() override {
      return in_its_place ? in_its_place->change_counter() : FaultyControlStore::change_counter();
    }
    Result<std::vector<Revocation>> revocations(Timestamp t, std::uint64_t after) override {
      return in_its_place ? in_its_place->revocations(t, after)
                          : FaultyControlStore::revocations(t, after);
    }
  } store(*store_);
  ChangeFeed feed(store, clock_, std::chrono::hours(1), std::chrono::hours(1));
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::active, clock_.now()));
  ASSERT_TRUE(feed.start());
  store.in_its_place = former.get();
  feed.poll();
  const auto& now = *feed.revocations();
  EXPECT_TRUE(
      now.refuse(account_, make_user_id(), make_token_id(), clock_.now() + milliseconds(1)));
}

TEST_F(ChangeFeedTest, LooksAgainWhereTheSecondStepFailed) {
  ChangeFeed feed(faulty_, clock_, std::chrono::hours(1), std::chrono::hours(1));
  ASSERT_TRUE(feed.start());
  ASSERT_TRUE(store_->create_account(account_, "", clock_.now()));
  ASSERT_TRUE(store_->set_account_state(account_, AccountState::suspended, clock_.now()));
  faulty_.fail_call(2, {ErrorCode::busy, "busy"});  // the counter is read, the revocations are not
  const std::uint64_t before = feed.generation();
  feed.poll();
  EXPECT_EQ(feed.generation(), before);
  feed.poll();
  EXPECT_GT(feed.generation(), before);
  EXPECT_EQ(feed.revocations()->size(), 1U);
}

TEST_F(ChangeFeedTest, GoesStaleWithoutSuccessfulLooks) {
  ManualSteadyClock steady;
  ChangeFeed feed(faulty_, clock_, std::chrono::hours(1), std::chrono::hours(1), steady);
  ASSERT_TRUE(feed.start());
  faulty_.fail_call(1, {ErrorCode::io, "the disk is gone"}, true);
  steady.advance(std::chrono::seconds(5));
  feed.poll();
  EXPECT_TRUE(feed.fresh());
  steady.advance(milliseconds(1));
  feed.poll();
  EXPECT_FALSE(feed.fresh());
  faulty_.heal();
  feed.poll();
  EXPECT_TRUE(feed.fresh());
}

}  // namespace
}  // namespace valetkey::control
