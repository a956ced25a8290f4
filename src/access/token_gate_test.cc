// SPDX-License-Identifier: Apache-2.0
// What lives in per-thread caches: known tokens and revocations, over the SQLite store.
#include "access/token_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "access/internal/claims.h"
#include "access/revocation.h"
#include "base/testing/manual_clock.h"
#include "base/testing/temporary_folder.h"
#include "control/sqlite_store.h"
#include "control/testing/faulty_control_store.h"
#include "control/tokens.h"

namespace valetkey::access {
namespace {

using namespace std::chrono_literals;
using control::TokenRefusal;

class Gate : public testing::Test {
 protected:
  Gate() {
    const auto account = AccountId::parse("12").value();
    EXPECT_TRUE(sqlite_->create_account(account, "Acme", now_));
    user_ = store_.create_user("a@example.org", account, control::Role::admin, now_)->id;
    token_ = create(std::nullopt);
    feed_.poll();
  }
  Secret create(std::optional<Timestamp> expires) {
    Secret token = control::make_token();
    const control::NewToken wanted{
        AccountId::parse("12").value(), *user_, "n", {.export_ = true}, expires, std::nullopt, {}};
    const Digest256 digest = control::token_digest(token.reveal());
    id_ = store_.create_token(wanted, as_text(digest), now_)->id;
    return token;
  }
  static Digest256 digest_of(const Secret& token) { return control::token_digest(token.reveal()); }
  Result<TokenReading> read(const Secret& token) const {
    return gate_.read(digest_of(token), now_);
  }
  void remember(const Secret& token) { gate_.remember(digest_of(token), read(token).value()); }

  TemporaryFolder folder_;
  Timestamp now_ = from_epoch_ms(1'700'000'000'000);
  ManualClock clock_{now_};
  std::unique_ptr<control::ControlStore> sqlite_ =
      control::open_sqlite_store(folder_.path() / "control.db").value();
  control::FaultyControlStore store_{*sqlite_};
  control::ChangeFeed feed_{store_, clock_, 1h};
  TokenGate gate_{store_, feed_};
  std::optional<UserId> user_;
  std::optional<TokenId> id_;
  Secret token_;
};

TEST_F(Gate, KnowsAMalformedTokenWithoutAsking) {
  std::string mistyped(token_.reveal());
  mistyped.back() = mistyped.back() == 'a' ? 'b' : 'a';
  const std::int64_t calls = store_.calls();
  for (const std::string& token : {mistyped, std::string(), std::string("vkpat_")}) {
    const auto answer = gate_.find(token, now_);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error(), TokenRefusal::mistyped);
  }
  EXPECT_EQ(store_.calls(), calls);
}

TEST_F(Gate, RemembersATokenThatAuthenticatesOnThisThreadOnly) {
  EXPECT_FALSE(gate_.find(token_.reveal(), now_));
  remember(token_);
  const std::int64_t calls = store_.calls();
  const auto answer = gate_.find(token_.reveal(), now_);
  ASSERT_TRUE(answer && *answer);
  EXPECT_EQ((*answer)->token, *id_);
  EXPECT_EQ(store_.calls(), calls);
  std::thread([&] { EXPECT_FALSE(gate_.find(token_.reveal(), now_)); }).join();
}

TEST_F(Gate, DoesNotRememberStrangers) {
  const Secret stranger = control::make_token();
  remember(stranger);
  EXPECT_EQ(read(stranger)->answer.error(), TokenRefusal::unknown);
  EXPECT_FALSE(gate_.find(stranger.reveal(), now_));
}

TEST_F(Gate, ForgetsWhenAnythingChanged) {
  remember(token_);
  ASSERT_TRUE(store_.revoke_token(*id_, now_));
  feed_.poll();
  EXPECT_FALSE(gate_.find(token_.reveal(), now_));
  EXPECT_EQ(read(token_)->answer.error(), TokenRefusal::revoked);
}

TEST_F(Gate, DoesNotRememberAReadingThatAChangeOvertook) {
  const auto reading = read(token_);
  ASSERT_TRUE(reading && reading->answer);
  ASSERT_TRUE(store_.revoke_token(*id_, now_));
  feed_.poll();
  gate_.remember(digest_of(token_), *reading);
  EXPECT_FALSE(gate_.find(token_.reveal(), now_));
}

TEST_F(Gate, ChecksTheExpiryOfWhatItRemembers) {
  const Secret brief = create(now_ + 1min);
  feed_.poll();
  remember(brief);
  EXPECT_TRUE(gate_.find(brief.reveal(), now_ + 1min - 1ms).value());
  EXPECT_EQ(gate_.find(brief.reveal(), now_ + 1min)->error(), TokenRefusal::expired);
}

TEST_F(Gate, PassesOnThatTheStoreFailed) {
  store_.fail_call(1, {ErrorCode::unavailable, "away"});
  EXPECT_EQ(read(token_).error().code, ErrorCode::unavailable);
}

TEST_F(Gate, KeepsNoMoreThanItsLimitForAThread) {
  const TokenReading reading = read(token_).value();
  std::vector<Secret> tokens;
  for (std::size_t i = 0; i <= kMaxRememberedTokens; ++i) {
    tokens.push_back(control::make_token());
    gate_.remember(digest_of(tokens.back()), reading);
  }
  const auto known = std::ranges::count_if(
      tokens, [&](const Secret& token) { return gate_.find(token.reveal(), now_).has_value(); });
  EXPECT_LE(known, kMaxRememberedTokens);
  EXPECT_GE(known, kMaxRememberedTokens / 2);
  EXPECT_TRUE(gate_.find(tokens.back().reveal(), now_)) << "the latest is among them";
}

TEST_F(Gate, AnotherGateHasCachesOfItsOwn) {
  remember(token_);
  const TokenGate other(store_, feed_);
  EXPECT_FALSE(other.find(token_.reveal(), now_));
}

class Revoking : public Gate {
 protected:
  Claims claims(Timestamp issued) const {
    return {make_access_key_id(), AccountId::parse("12").value(), *user_, *id_, issued,
            issued + 1h};
  }
  RevocationCheck check_{feed_};
};

TEST_F(Revoking, RefusesSessionsIssuedBeforeOnceTheFeedHasSeenIt) {
  EXPECT_FALSE(check_.revoked(claims(now_)));
  ASSERT_TRUE(store_.revoke_token(*id_, now_ + 1s));
  feed_.poll();
  EXPECT_TRUE(check_.revoked(claims(now_)));
}

TEST_F(Revoking, LastsWhileTheUserIsDisabledAndCoversWhatWasIssuedBefore) {
  ASSERT_TRUE(store_.set_user_state(*user_, control::UserState::disabled, now_ + 1s));
  feed_.poll();
  EXPECT_TRUE(check_.revoked(claims(now_)));
  EXPECT_TRUE(check_.revoked(claims(now_ + 1min))) << "issued by a server that had not seen it yet";
  ASSERT_TRUE(store_.set_user_state(*user_, control::UserState::active, now_ + 2min));
  feed_.poll();
  EXPECT_TRUE(check_.revoked(claims(now_)));
  EXPECT_FALSE(check_.revoked(claims(now_ + 3min)));
}

TEST_F(Revoking, FollowsSuspensionOfTheAccount) {
  const auto account = AccountId::parse("12").value();
  ASSERT_TRUE(store_.set_account_state(account, control::AccountState::suspended, now_ + 1s));
  feed_.poll();
  EXPECT_TRUE(check_.revoked(claims(now_)));
}

TEST_F(Revoking, IsFreshOnlyWhileTheStoreAnswers) {
  EXPECT_TRUE(check_.fresh());
  const control::ChangeFeed blind(store_, clock_, 1h);
  EXPECT_FALSE(RevocationCheck(blind).fresh());
}

}  // namespace
}  // namespace valetkey::access
