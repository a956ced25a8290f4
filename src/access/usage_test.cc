// SPDX-License-Identifier: Apache-2.0
#include "access/usage.h"

#include <gtest/gtest.h>

#include <thread>

#include "control/faulty_control_store.h"
#include "control/sqlite_store.h"
#include "control/temporary_folder.h"
#include "control/tokens.h"

namespace valetkey::access {
namespace {

using namespace std::chrono_literals;

class UsageCounts : public testing::Test {
 protected:
  UsageCounts() {
    const auto account = AccountId::parse("12").value();
    EXPECT_TRUE(sqlite_->create_account(account, "Acme", now_));
    const auto user = sqlite_->create_user("a@example.org", account, control::Role::admin, now_);
    const control::NewToken wanted{account,      user->id,     "n", {.export_ = true},
                                   std::nullopt, std::nullopt, {}};
    const Digest256 digest = control::token_digest(control::make_token().reveal());
    token_ = sqlite_->create_token(wanted, as_text(digest), now_)->id;
  }
  std::vector<control::UsageDelta> written() {
    return sqlite_->usage(std::nullopt, date_of(now_) - std::chrono::days(1)).value();
  }

  control::TemporaryFolder folder_;
  Timestamp now_ = parse_iso8601("2026-11-24T23:59:59.999Z").value();
  ManualClock clock_{now_};
  std::unique_ptr<control::ControlStore> sqlite_ =
      control::open_sqlite_store(folder_.path() / "control.db").value();
  control::FaultyControlStore store_{*sqlite_};
  std::optional<TokenId> token_;
};

TEST_F(UsageCounts, AddsUpOverThreadsAndSplitsByDay) {
  Usage usage(store_, clock_);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) usage.add(*token_, now_, 0, 1, 10);
    });
  threads.clear();
  usage.add(*token_, now_ + 1ms, 1, 0, 0);
  EXPECT_TRUE(written().empty()) << "nothing is written on the request path";
  ASSERT_TRUE(usage.flush());
  const auto rows = written();
  ASSERT_EQ(rows.size(), 2);
  const auto& today = rows[0].day < rows[1].day ? rows[0] : rows[1];
  const auto& tomorrow = rows[0].day < rows[1].day ? rows[1] : rows[0];
  EXPECT_EQ(today.requests, 8000);
  EXPECT_EQ(today.bytes, 80000);
  EXPECT_EQ(tomorrow.exchanges, 1);
  EXPECT_EQ(tomorrow.requests, 0);
}

TEST_F(UsageCounts, KeepsWhatCouldNotBeWritten) {
  Usage usage(store_, clock_);
  usage.add(*token_, now_, 1, 2, 3);
  store_.fail_call(1, {ErrorCode::full, "no space"});
  EXPECT_FALSE(usage.flush());
  usage.add(*token_, now_, 1, 2, 3);
  ASSERT_TRUE(usage.flush());
  ASSERT_EQ(written().size(), 1);
  EXPECT_EQ(written()[0].bytes, 6);
  ASSERT_TRUE(usage.flush());
  EXPECT_EQ(written()[0].bytes, 6) << "nothing is counted twice";
}

TEST_F(UsageCounts, WritesByItselfAndWhenItStops) {
  Usage usage(store_, clock_, 5ms);
  usage.add(*token_, now_, 1, 0, 0);
  usage.start();
  for (int i = 0; i < 1000 && written().empty(); ++i) std::this_thread::sleep_for(5ms);
  ASSERT_EQ(written().size(), 1);
  usage.add(*token_, now_, 1, 0, 0);
  usage.stop();
  EXPECT_EQ(written()[0].exchanges, 2);
}

}  // namespace
}  // namespace valetkey::access
