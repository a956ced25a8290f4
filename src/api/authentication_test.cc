// SPDX-License-Identifier: Apache-2.0
// Which token a request presents, and what becomes of failures.
#include "api/authentication.h"

#include <gtest/gtest.h>

#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

using namespace std::chrono_literals;
using Headers = std::vector<std::pair<std::string, std::string>>;

std::string found_in(const Headers& headers, TokenForm form = TokenForm::bearer) {
  http::Request request;
  for (const auto& [name, value] : headers) request.headers.push_back({name, value});
  const auto token = token_of(request, form);
  return token ? "token:" + std::string(*token) : std::string(token.error());
}

TEST(TokenOf, ReadsBothHeaders) {
  EXPECT_EQ(found_in({{"Authorization", "Bearer x"}}), "token:x");
  EXPECT_EQ(found_in({{"AUTHORIZATION", "bEARER   x"}}), "token:x");
  EXPECT_EQ(found_in({{"token", "x"}}), "token:x");
  EXPECT_EQ(found_in({{"Token", "x"}, {"Authorization", "Bearer x"}}), "token:x");
}

TEST(TokenOf, RefusesContradictions) {
  EXPECT_EQ(found_in({{"Token", "x"}, {"Authorization", "Bearer y"}}), "conflicting");
  EXPECT_EQ(found_in({{"Token", ""}, {"Authorization", "Bearer y"}}), "conflicting");
  EXPECT_EQ(found_in({{"Token", "x"}, {"Token", "x"}}), "conflicting");
  EXPECT_EQ(found_in({{"Authorization", "Bearer x"}, {"authorization", "Bearer x"}}),
            "conflicting");
}

TEST(TokenOf, RefusesOtherForms) {
  EXPECT_EQ(found_in({}), "missing");
  EXPECT_EQ(found_in({{"Accept", "x"}}), "missing");
  for (const char* value : {"", "x", "Bearer", "Bearer ", "Basic eDp5", "Bearerx y", "Token x"})
    EXPECT_EQ(found_in({{"Authorization", value}}), "malformed") << value;
  EXPECT_EQ(found_in({{"Authorization", "Basic x"}, {"Token", "x"}}), "malformed");
}

TEST(TokenOf, TakesABareTokenWhereSdksSendOne) {
  EXPECT_EQ(found_in({{"Authorization", "x"}}, TokenForm::bearer_or_bare), "token:x");
  EXPECT_EQ(found_in({{"Authorization", "Bearer x"}}, TokenForm::bearer_or_bare), "token:x");
  EXPECT_EQ(found_in({{"Authorization", "Basic x"}}, TokenForm::bearer_or_bare), "malformed");
  EXPECT_EQ(found_in({{"Authorization", ""}}, TokenForm::bearer_or_bare), "malformed");
}

class AuthenticationTest : public testing::Test {
 protected:
  AuthenticationTest() { limit(3); }
  void limit(unsigned burst) {
    Options options = ServiceFixture::make_options();
    options.limiter = {.burst = burst, .interval = 6s};
    desk_.rebuild(options);
  }
  Reply ask(std::string_view token, const std::string& client = "192.0.2.1") {
    return desk_.call(
        {.target = "/v2/account", .headers = {ServiceFixture::bearer(token)}, .client = client});
  }
  static std::string unknown() { return std::string(control::make_token().reveal()); }

  ServiceFixture desk_;
  Secret token_ = desk_.make_token(desk_.user(0), kExport);
};

TEST_F(AuthenticationTest, AnswersEveryFailureAlike) {
  limit(0);
  TokenId revoked_id = make_token_id();
  const Secret revoked = desk_.make_token(desk_.user(0), kExport, {}, &revoked_id);
  ASSERT_TRUE(desk_.sqlite().revoke_token(revoked_id, desk_.now()));
  const Secret expired = desk_.make_token(desk_.user(0), kExport, desk_.now() + 1s);
  desk_.clock().advance(1s);
  std::string mistyped(token_.reveal());
  mistyped[10] = mistyped[10] == 'a' ? 'b' : 'a';
  const std::string body = ask(unknown()).body;
  const std::string slip = ask(mistyped).body;  // what it says anybody can work out
  EXPECT_NE(slip.find("mistyped"), std::string::npos);
  const std::string cut(token_.reveal().substr(0, kTokenLength - 1));
  const std::vector<std::pair<std::string, std::string>> kRows{
      {std::string(revoked.reveal()), body},
      {std::string(expired.reveal()), body},
      {mistyped, slip},
      {cut, slip},
      {"x", slip},
      {std::string(5000, 'x'), slip},
      {"\xff\xfe", slip},
      {std::string(token_.reveal()) + " ", slip},
      {"", body}};
  for (const auto& [token, expected] : kRows) {
    const Reply reply = ask(token);
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.body, expected) << token.size();
    EXPECT_EQ(reply.code(), "unauthenticated");
    EXPECT_EQ(reply.header("WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(desk_.call({.target = "/v2/account"}).header("WWW-Authenticate"), "Bearer");
}

TEST_F(AuthenticationTest, RefusesDisabledUsersAndSuspendedOrDeletedAccounts) {
  limit(0);
  ASSERT_EQ(ask(token_.reveal()).status, 200);
  const auto set_user = [&](control::UserState state) {
    ASSERT_TRUE(desk_.sqlite().set_user_state(desk_.user(0).id, state, desk_.now()));
    desk_.feed().poll();
  };
  const auto set_account = [&](control::AccountState state) {
    ASSERT_TRUE(desk_.sqlite().set_account_state(*desk_.user(0).account, state, desk_.now()));
    desk_.feed().poll();
  };
  set_user(control::UserState::disabled);
  EXPECT_EQ(ask(token_.reveal()).status, 401);
  set_user(control::UserState::active);
  EXPECT_EQ(ask(token_.reveal()).status, 200);
  set_account(control::AccountState::suspended);
  EXPECT_EQ(ask(token_.reveal()).status, 401);
  set_account(control::AccountState::active);
  EXPECT_EQ(ask(token_.reveal()).status, 200);
  set_account(control::AccountState::deleted);
  EXPECT_EQ(ask(token_.reveal()).status, 401);
  EXPECT_EQ(desk_.audit().refusals().back().first, "account_deleted");
}

TEST_F(AuthenticationTest, LimitsFailuresOfOneAddress) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(unknown()).status, 401);
  const Reply limited = ask(unknown());
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.code(), "rate_limited");
  EXPECT_EQ(limited.header("Retry-After"), "6");
  EXPECT_EQ(limited.header("WWW-Authenticate"), "");
  EXPECT_EQ(desk_.call({.target = "/v2/account"}).status, 429);  // no token at all
  EXPECT_EQ(ask(unknown(), "192.0.2.2").status, 401);
  desk_.clock().advance(6s);
  EXPECT_EQ(ask(unknown()).status, 401);
}

TEST_F(AuthenticationTest, NeverLimitsAValidToken) {
  for (int i = 0; i < 100; ++i) (void)ask(unknown());
  EXPECT_EQ(ask(token_.reveal()).status, 200);  // looked up
  EXPECT_EQ(ask(token_.reveal()).status, 200);  // known
  EXPECT_EQ(ask(unknown()).status, 429);
}

// More look-ups than may run at once, from an address that has failed too often: each gets its
// turn.
TEST_F(AuthenticationTest, LooksUpAValidTokenAmidAFlood) {
  for (int i = 0; i < 4; ++i) (void)ask(unknown());
  std::vector<Ask> flood;
  for (int i = 0; i < 150; ++i)
    flood.push_back({.target = "/v2/account",
                     .headers = {ServiceFixture::bearer(i == 100 ? token_.reveal() : unknown())}});
  const auto replies = desk_.call_all(flood);
  for (std::size_t i = 0; i < replies.size(); ++i)
    EXPECT_EQ(replies[i].status, i == 100 ? 200 : 429) << i;
}

TEST_F(AuthenticationTest, LooksAKnownTokenUpOnce) {
  ASSERT_EQ(ask(token_.reveal()).status, 200);
  const auto calls = desk_.store().calls();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(ask(token_.reveal()).status, 200);
  ASSERT_EQ(ask("vkpat_mistyped").status, 401);
  EXPECT_EQ(desk_.store().calls(), calls);
}

TEST_F(AuthenticationTest, AuditsRefusalsByBlockAndReason) {
  (void)ask(unknown());
  (void)ask("x", "2001:db8::1:2:3:4");
  (void)desk_.call({.target = "/v2/account"});
  using Refusals = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(
      desk_.audit().refusals(),
      (Refusals{{"unknown", "192.0.2.1"}, {"mistyped", "2001:db8::"}, {"missing", "192.0.2.1"}}));
}

TEST_F(AuthenticationTest, NobodyIsServedOnStaleNews) {
  ASSERT_EQ(ask(token_.reveal()).status, 200);
  control::ChangeFeed blind(desk_.store(), desk_.clock(), 1h);  // never looked
  access::TokenGate gate(desk_.store(), blind);
  http::asio::thread_pool pool(1);
  Authenticator authenticator(gate, blind, desk_.audit(), pool, {});
  http::Request request;
  const auto answer = authenticator.find(request, TokenForm::bearer);
  ASSERT_TRUE(answer && !*answer);
  EXPECT_EQ(answer->error().code, ProblemCode::unavailable);
  EXPECT_GT(answer->error().retry_after.count(), 0);
}

}  // namespace
}  // namespace valetkey::api
