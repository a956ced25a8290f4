// SPDX-License-Identifier: Apache-2.0
// The part of conformance.h on revocations: which sessions end, and what a server sees of it.
#pragma once

#include "control/revocations.h"
#include "control/testing/conformance.h"

namespace valetkey::control {

TEST_P(ControlStoreConformance, TellsWhatChangedSinceACounter) {
  const Token first = make(wanted(), "a");
  const Token second = make(wanted(), "b");
  ASSERT_TRUE(store().revoke_token(first.id, now_));
  const std::uint64_t seen = counter();
  ASSERT_TRUE(store().revoke_token(second.id, now_));
  const auto changed = store().revocations(now_, seen).value();
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_EQ(changed[0].subject, second.id.str());
  EXPECT_TRUE(store().revocations(now_, counter())->empty());
}

TEST_P(ControlStoreConformance, RefusesSessionsOfARevokedTokenWheneverTheyWereIssued) {
  const Token token = make(wanted(), "secret");
  const Token other = make(wanted("other"), "other");
  ASSERT_TRUE(store().revoke_token(token.id, now_));
  const auto revoked =
      Revocations().with(store().revocations(now_ - std::chrono::hours(1), 0).value());
  // A server that has not seen the revocation yet issues one a little later.
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ - milliseconds(1)));
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ + milliseconds(500)));
  EXPECT_FALSE(revoked.refuse(account_, user_->id, other.id, now_ - milliseconds(1)));
}

TEST_P(ControlStoreConformance, LetsOnlyNewSessionsThroughAfterAReturn) {
  const Token token = make(wanted(), "secret");
  const auto refused = [&](Timestamp issued) {
    const auto all = Revocations().with(store().revocations(now_, 0).value());
    return all.refuse(account_, user_->id, token.id, issued);
  };
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(1)));
  ASSERT_TRUE(
      store().set_account_state(account_, AccountState::active, now_ + std::chrono::minutes(2)));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(1)));
  EXPECT_FALSE(refused(now_ + std::chrono::minutes(2)));
  ASSERT_TRUE(
      store().set_user_state(user_->id, UserState::disabled, now_ + std::chrono::minutes(3)));
  EXPECT_TRUE(refused(now_ + std::chrono::minutes(4)));
}

TEST_P(ControlStoreConformance, ForgetsRevocationsOlderThanAsked) {
  ASSERT_TRUE(store().revoke_token(make(wanted(), "secret").id, now_));
  EXPECT_EQ(store().revocations(now_, 0)->size(), 1U);
  EXPECT_TRUE(store().revocations(now_ + milliseconds(1), 0)->empty());
}

TEST_P(ControlStoreConformance, CountsEveryChangeThatMattersAndNoUsage) {
  std::uint64_t last = counter();
  const auto grew = [&] { return std::exchange(last, counter()) < last; };
  const auto changed = [&](const auto& result) {
    const std::uint64_t before = std::exchange(last, counter());
    return result.has_value() && last > before;
  };
  EXPECT_TRUE(changed(store().create_account(account_id("5"), "", now_)));
  EXPECT_TRUE(changed(store().create_user("b@example.com", account_, Role::member, now_)));
  const auto token = store().create_token(wanted(), digest("t"), now_);
  EXPECT_FALSE(changed(token));  // no cache knows a token that did not exist
  EXPECT_TRUE(changed(store().set_user_role(user_->id, Role::member, now_)));
  EXPECT_TRUE(changed(store().set_user_state(user_->id, UserState::disabled, now_)));
  EXPECT_TRUE(changed(store().set_user_state(user_->id, UserState::active, now_)));
  EXPECT_TRUE(changed(store().set_account_state(account_, AccountState::suspended, now_)));
  EXPECT_TRUE(changed(store().revoke_token(token->id, now_)));
  EXPECT_TRUE(changed(store().set_account_state(account_, AccountState::deleted, now_)));
  ASSERT_TRUE(store().add_usage({{account_, date_of(now_), {1, 2, 3, 4, 5}}}, {}));
  ASSERT_FALSE(store().create_account(account_id("5"), "", now_));
  EXPECT_FALSE(grew());
}

TEST_P(ControlStoreConformance, RevokesTheSessionsOfAnAccountAndNoToken) {
  const auto token = store().create_token(wanted(), digest("t"), now_).value();
  const std::uint64_t before = counter();
  ASSERT_TRUE(store().revoke_sessions(account_, now_));
  EXPECT_GT(counter(), before);
  const Revocations revoked = Revocations().with(store().revocations(now_, 0).value());
  EXPECT_TRUE(revoked.refuse(account_, user_->id, token.id, now_ - milliseconds(1)));
  EXPECT_FALSE(revoked.refuse(account_, user_->id, token.id, now_));
  EXPECT_TRUE(store().authenticate(digest("t"), now_).value());
  // What is refused for good stays so.
  ASSERT_TRUE(store().set_account_state(account_, AccountState::suspended, now_));
  ASSERT_TRUE(store().revoke_sessions(account_, now_));
  const Revocations all = Revocations().with(store().revocations(now_, 0).value());
  EXPECT_TRUE(all.refuse(account_, user_->id, token.id, now_ + std::chrono::hours(1)));
  EXPECT_EQ(store().revoke_sessions(account_id("999"), now_).error().code, ErrorCode::not_found);
}

}  // namespace valetkey::control
