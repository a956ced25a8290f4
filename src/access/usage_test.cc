// SPDX-License-Identifier: Apache-2.0
#include "access/usage.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"
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
    const TokenId token = sqlite_->create_token(wanted, as_text(digest), now_)->id;
    grant_ = control::TokenGrant{
        token, user->id, account, control::Role::admin, {.export_ = true}, std::nullopt};
  }
  std::vector<control::DayOfUsage> written() {
    return sqlite_->usage(std::nullopt, date_of(now_), date_of(now_) + std::chrono::days(1))
        .value();
  }
  control::Token token() { return sqlite_->token(grant_->token).value(); }
  Claims session() {
    return {AccessKeyId::parse("ASIAABCDEFGHIJ234567").value(),
            grant_->account,
            grant_->user,
            grant_->token,
            now_,
            now_ + 1h};
  }

  TemporaryFolder folder_;
  Timestamp now_ = parse_iso8601("2026-11-24T23:59:59.999Z").value();
  std::unique_ptr<control::ControlStore> sqlite_ =
      control::open_sqlite_store(folder_.path() / "control.db").value();
  control::FaultyControlStore store_{*sqlite_};
  std::optional<control::TokenGrant> grant_;
  http::Address client_ = http::Address::parse("192.0.2.7").value();
};

TEST_F(UsageCounts, AddsUpOverThreadsAndSplitsByDay) {
  Usage usage(store_);
  const Claims claims = session();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 1000; ++n) usage.served(claims, now_, client_, 10);
    });
  threads.clear();
  usage.sent(claims, now_, 5);
  usage.received(grant_->account, now_, 3, 400);
  usage.exchanged(*grant_, now_ + 1ms, client_);
  EXPECT_TRUE(written().empty()) << "nothing is written on the request path";
  ASSERT_TRUE(usage.flush());
  const auto rows = written();
  ASSERT_EQ(rows.size(), 2);
  EXPECT_EQ(rows[0].counts, (control::UsageCounts{0, 8000, 80005, 3, 400}));
  EXPECT_EQ(rows[1].counts, (control::UsageCounts{1, 0, 0, 0, 0}));
}

TEST_F(UsageCounts, KeepsWhatCouldNotBeWritten) {
  Usage usage(store_);
  usage.exchanged(*grant_, now_, client_);
  store_.fail_call(1, {ErrorCode::full, "no space"});
  EXPECT_FALSE(usage.flush());
  usage.exchanged(*grant_, now_, client_);
  ASSERT_TRUE(usage.flush());
  ASSERT_EQ(written().size(), 1);
  EXPECT_EQ(written()[0].counts.exchanges, 2);
  EXPECT_EQ(token().last_used, now_);
  ASSERT_TRUE(usage.flush());
  EXPECT_EQ(written()[0].counts.exchanges, 2) << "nothing is counted twice";
}

TEST_F(UsageCounts, WritesByItselfAndWhenItStops) {
  Usage usage(store_, 5ms);
  usage.exchanged(*grant_, now_, client_);
  usage.start();
  for (int i = 0; i < 1000 && written().empty(); ++i) std::this_thread::sleep_for(5ms);
  ASSERT_EQ(written().size(), 1);
  usage.exchanged(*grant_, now_, client_);
  usage.stop();
  EXPECT_EQ(written()[0].counts.exchanges, 2);
}

TEST_F(UsageCounts, WritesATokensLastUseAtOnceThenOnceAMinuteAndWhenItStops) {
  ManualSteadyClock steady;
  Usage usage(store_, 5ms, steady);
  usage.exchanged(*grant_, now_, client_);
  usage.start();
  for (int i = 0; i < 1000 && !token().last_used; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(token().last_used, now_);
  EXPECT_EQ(token().last_used_from, "192.0.2.7");
  usage.served(session(), now_ + 10s, http::Address::parse("2001:db8:1:2:3::4").value(), 1);
  for (int i = 0; i < 1000 && written().size() < 2; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(token().last_used, now_) << "a minute has not passed";
  steady.advance(1min);
  for (int i = 0; i < 1000 && token().last_used == now_; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(token().last_used, now_ + 10s);
  EXPECT_EQ(token().last_used_from, "2001:db8:1:2::/64");
  usage.exchanged(*grant_, now_ + 20s, client_);
  usage.stop();
  EXPECT_EQ(token().last_used, now_ + 20s);
}

}  // namespace
}  // namespace valetkey::access
