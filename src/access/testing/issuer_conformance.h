// SPDX-License-Identifier: Apache-2.0
// For tests: what every CredentialIssuer does. Each implementation's test gives an IssuerUnderTest
// and instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "access/credentials.h"

namespace valetkey::access {

class IssuerUnderTest {
 public:
  virtual ~IssuerUnderTest() = default;
  virtual CredentialIssuer& issuer() = 0;
  // What time it is for whatever the issuer asks.
  virtual void set_now(Timestamp) {}
};
using MakeIssuerUnderTest = std::unique_ptr<IssuerUnderTest> (*)();

class IssuerConformance : public testing::TestWithParam<MakeIssuerUnderTest> {
 protected:
  static control::TokenGrant grant(const char* token = "tok_GHIJKLMNOPabcdef") {
    return {TokenId::parse(token).value(),
            UserId::parse("usr_0123456789ABCDEF").value(),
            AccountId::parse("123").value(),
            control::Role::member,
            {.export_ = true},
            std::nullopt};
  }
  CredentialIssuer& issuer() { return test_->issuer(); }

  static constexpr milliseconds kHour = std::chrono::hours(1);
  const Timestamp now_ = parse_iso8601("2026-11-29T10:00:00Z").value();
  std::unique_ptr<IssuerUnderTest> test_ = GetParam()();
};

TEST_P(IssuerConformance, GivesASessionItsFullLife) {
  const auto credentials = issuer().issue(grant(), kHour, now_);
  ASSERT_TRUE(credentials) << credentials.error().detail;
  EXPECT_FALSE(credentials->access_key_id.empty());
  EXPECT_FALSE(credentials->secret_access_key.empty());
  EXPECT_FALSE(credentials->session_token.empty());
  EXPECT_EQ(credentials->expires, now_ + kHour);
}

TEST_P(IssuerConformance, EndsASessionWithItsToken) {
  control::TokenGrant brief = grant();
  brief.expires = now_ + std::chrono::minutes(20);
  const auto credentials = issuer().issue(brief, kHour, now_);
  ASSERT_TRUE(credentials) << credentials.error().detail;
  EXPECT_LE(credentials->expires, *brief.expires);
  EXPECT_GE(credentials->expires, now_ + issuer().min_life());
}

TEST_P(IssuerConformance, GivesNothingToATokenThatEndsBeforeTheShortestSession) {
  control::TokenGrant brief = grant();
  brief.expires = now_ + issuer().min_life() - milliseconds(1);
  EXPECT_EQ(issuer().issue(brief, kHour, now_).error().code, ErrorCode::denied);
}

TEST_P(IssuerConformance, RefusesATokenWithoutTheScope) {
  control::TokenGrant narrow = grant();
  narrow.scopes = {.tokens = true};
  EXPECT_EQ(issuer().issue(narrow, kHour, now_).error().code, ErrorCode::denied);
}

TEST_P(IssuerConformance, RefusesALifeThatNoSessionHas) {
  for (const milliseconds duration : {milliseconds(0), milliseconds(-1), milliseconds(kHour * 13)})
    EXPECT_EQ(issuer().issue(grant(), duration, now_).error().code, ErrorCode::invalid);
}

TEST_P(IssuerConformance, AnswersAtOnceWithWhatItWouldIssueOrNotAtAll) {
  if (issuer().calls_at_once() == 0) ASSERT_TRUE(issuer().issue_at_once(grant(), kHour, now_));
  ASSERT_TRUE(issuer().issue(grant(), kHour, now_));
  for (const milliseconds later : {milliseconds(0), milliseconds(kHour / 4)}) {
    const auto again = issuer().issue_at_once(grant(), kHour, now_ + later);
    if (!again) continue;
    ASSERT_TRUE(*again) << again->error().detail;
    EXPECT_GT((*again)->expires, now_ + later);
    EXPECT_LE((*again)->expires, now_ + later + kHour);
  }
}

TEST_P(IssuerConformance, GivesEachTokenASessionOfItsOwn) {
  const auto first = issuer().issue(grant(), kHour, now_);
  const auto second = issuer().issue(grant("tok_0000000000000002"), kHour, now_);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->access_key_id, second->access_key_id);
  EXPECT_FALSE(first->session_token == second->session_token);
}

TEST_P(IssuerConformance, OpensAnAccountAgainAndAgain) {
  EXPECT_TRUE(issuer().open_account(grant().account, now_));
  EXPECT_TRUE(issuer().open_account(grant().account, now_));
}

TEST_P(IssuerConformance, GivesNewSessionsAfterACutOff) {
  ASSERT_TRUE(issuer().issue(grant(), kHour, now_));
  ASSERT_TRUE(issuer().cut_off({.account = grant().account}, now_));
  ASSERT_TRUE(issuer().open_account(grant().account, now_));
  test_->set_now(now_ + seconds(1));
  const auto fresh = issuer().issue(grant(), kHour, now_ + seconds(1));
  ASSERT_TRUE(fresh) << fresh.error().detail;
  EXPECT_EQ(fresh->expires, now_ + seconds(1) + kHour);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(IssuerConformance);

}  // namespace valetkey::access
