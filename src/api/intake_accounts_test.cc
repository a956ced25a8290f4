// SPDX-License-Identifier: Apache-2.0
// Whose events are taken in: an account's state, its ingest key, its origins and its limits.
#include "api/intake_accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/testing/intake_fixture.h"

namespace valetkey::api {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

class IntakeAccountsTest : public IntakeTest {};

TEST_F(IntakeAccountsTest, BillsTheAccountForWhatWasTakenIn) {
  ASSERT_EQ(send(body_of(click("a") + "," + click("b"))).status, 204);
  ASSERT_EQ(send(body_of(click("c"), "999")).status, 204) << "of no account: nobody pays";
  ASSERT_TRUE(fixture_.usage().flush());
  const Date today = date_of(fixture_.now());
  const auto usage = fixture_.sqlite().usage(std::nullopt, today, today).value();
  ASSERT_EQ(usage.size(), 1U);
  EXPECT_EQ(usage[0].account, account_);
  EXPECT_EQ(usage[0].counts.events, 2U);
  EXPECT_EQ(usage[0].counts.event_bytes, body_of(click("a") + "," + click("b")).size());
}

TEST_F(IntakeAccountsTest, DropsEventsOfAccountsThatTakeNone) {
  ASSERT_TRUE(fixture_.sqlite().set_account_state(account_, control::AccountState::suspended,
                                                  fixture_.now()));
  fixture_.feed().poll();
  for (const char* account : {"12", "999"}) {
    EXPECT_EQ(send(body_of(click("a") + "," + click("b"), account)).status, 204);
    const Reply strict = send(body_of(click("a"), account), {{"X-Optimizely-Strict", "true"}});
    EXPECT_EQ(strict.status, 400);
    EXPECT_EQ(strict.text("message"), "This account_id takes no events.");
  }
  EXPECT_TRUE(log_.routes.empty());
  EXPECT_THAT(counts_.all_dropped(),
              UnorderedElementsAre(Pair("12:suspended_account", 3), Pair(":unknown_account", 3)));
}

TEST_F(IntakeAccountsTest, TellsOfEventsWhoseAccountDoesNotExist) {
  for (
      const std::string& body :
      {body_of(click("a") + "," + click("b"), "999"), body_of(click("a"), "x\\u001b[2J\xc3\xa9"),
       std::string(
           R"({"account":"12","visitors":[{"visitor_id":"v","snapshots":[{"events":[{},{},{}]}]}]})"),
       std::string("{}"), std::string(R"({"account":"123","visitors":{}})")})
    EXPECT_EQ(send(body).status, 204);
  EXPECT_THAT(counts_.all_unknown(),
              UnorderedElementsAre(Pair("999", 2), Pair("x?[2J??", 1), Pair("", 5)));
  EXPECT_THAT(counts_.all_dropped(),
              UnorderedElementsAre(Pair(":unknown_account", 2), Pair(":account_id", 6)));
}

TEST_F(IntakeAccountsTest, TellsOfStrictRequestsWithoutAUsableAccount) {
  for (const char* account : {"12x", ""}) {
    const Reply reply =
        send(body_of(click("a") + "," + click("b"), account), {{"X-Optimizely-Strict", "true"}});
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.text("message"), "account_id must be 1 to 20 digits.");
  }
  EXPECT_THAT(counts_.all_unknown(), UnorderedElementsAre(Pair("12x", 2), Pair("", 2)));
  EXPECT_THAT(counts_.all_dropped(), UnorderedElementsAre(Pair(":account_id", 4)));
}

TEST_F(IntakeAccountsTest, FollowsTheStateOfAnAccount) {
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
  ASSERT_TRUE(fixture_.sqlite().set_account_state(account_, control::AccountState::deleted,
                                                  fixture_.now()));
  fixture_.feed().poll();
  send(body_of(click("b")));
  EXPECT_EQ(log_.routes.size(), 1U);
  send(body_of(click("c"), "5"));
  ASSERT_TRUE(fixture_.sqlite().create_account(AccountId::parse("5").value(), "", fixture_.now()));
  fixture_.feed().poll();
  send(body_of(click("d"), "5"));
  EXPECT_EQ(log_.routes.size(), 2U);
}

TEST_F(IntakeAccountsTest, AsksTheStoreOncePerAccountKnownOrNot) {
  for (const char* account : {"12", "999"}) {
    send(body_of(click("a"), account));
    const std::int64_t before = fixture_.store().calls();
    for (int i = 0; i < 5; ++i) send(body_of(click("b"), account));
    EXPECT_EQ(fixture_.store().calls(), before) << account;
  }
}

TEST_F(IntakeAccountsTest, SaysUnavailableWhileTheStoreFails) {
  for (const int call : {1, 2}) {  // the account, its policy
    fixture_.store().fail_call(call, {ErrorCode::io, "/secret/control.db: broken"});
    const Reply reply = send(body_of(click("a")));
    EXPECT_EQ(reply.status, 503) << call;
    EXPECT_EQ(reply.header("Retry-After"), "1");
    EXPECT_EQ(reply.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(send(body_of(click("a"))).status, 204);
}

TEST_F(IntakeAccountsTest, AsksForAnIngestKeyWhereTheAccountHasOne) {
  control::AccountPolicy policy;
  policy.ingest_key_sha256 = as_text(sha256("open sesame"));
  set_policy(policy);
  const Reply without = send(body_of(click("a")));
  EXPECT_EQ(without.status, 403);
  EXPECT_EQ(without.code(), "forbidden");
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", "open sesam"}}).status, 403);
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", ""}}).status, 403);
  EXPECT_EQ(send(body_of(click("a")), {{"Origin", "https://shop.example"}}).status, 403);
  EXPECT_TRUE(log_.routes.empty());
  EXPECT_EQ(send(body_of(click("a")), {{"x-valetkey-ingest-key", "open sesame"}}).status, 204);
  EXPECT_EQ(counts_.all_dropped().at("12:forbidden"), 4U);
  EXPECT_EQ(send(body_of(click("a"), "123")).status, 204);  // another account's matter
}

TEST_F(IntakeAccountsTest, TakesOnlyTheOriginsThatAnAccountLists) {
  control::AccountPolicy policy;
  policy.origins = {"https://shop.example", "https://www.shop.example"};
  set_policy(policy);
  const Reply reply = send(body_of(click("a")), {{"Origin", "https://www.shop.example"}});
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "https://www.shop.example");
  EXPECT_EQ(reply.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(reply.header("Vary"), "Origin");
  for (const char* origin : {"https://shop.example.evil", "http://shop.example", "null"}) {
    const Reply refused = send(body_of(click("a")), {{"Origin", origin}});
    EXPECT_EQ(refused.status, 403) << origin;
    EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(refused.header("Vary"), "Origin");
  }
  EXPECT_EQ(send(body_of(click("a"))).status, 403);
  policy.ingest_key_sha256 = as_text(sha256("key"));
  policy.origins = {"https://shop.example"};
  set_policy(policy);
  EXPECT_EQ(send(body_of(click("a")), {{"X-Valetkey-Ingest-Key", "key"}}).status, 204);
  EXPECT_EQ(send(body_of(click("a")), {{"Origin", "https://shop.example"}}).status, 204);
  EXPECT_EQ(send(body_of(click("a"))).status, 403);
  // A client that makes up an Origin cannot be first with a server's uuid.
  const auto events = kept();
  ASSERT_GE(events.size(), 2U);
  EXPECT_FALSE(events[events.size() - 2].keyless);
  EXPECT_TRUE(events.back().keyless);
}

TEST_F(IntakeAccountsTest, HoldsAnAccountToItsEventsASecond) {
  control::AccountPolicy policy;
  policy.events_per_s = 2;
  set_policy(policy);
  const std::string four = click("a") + "," + click("b") + "," + click("c") + "," + click("d");
  EXPECT_EQ(send(body_of(four)).status, 204);  // 2 s are owed
  const Reply reply = send(body_of(click("e")));
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.code(), "rate_limited");
  EXPECT_EQ(reply.header("Retry-After"), "2");
  EXPECT_EQ(send(body_of(click("e"), "123")).status, 204);
  fixture_.clock().advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(send(body_of(click("e"))).status, 204);
  EXPECT_EQ(counts_.all_dropped().at("12:rate_limit"), 1U);
}

TEST_F(IntakeAccountsTest, HoldsAnAccountToItsBytesADay) {
  const std::string body = body_of(click("a"));
  control::AccountPolicy policy;
  policy.bytes_per_day = body.size() * 2 + 1;
  set_policy(policy);
  EXPECT_EQ(send(body).status, 204);
  EXPECT_EQ(send(body).status, 204);
  const Reply reply = send(body);
  EXPECT_EQ(reply.status, 429);
  const auto wait = std::stoi(reply.header("Retry-After"));
  EXPECT_GT(wait, 0);
  EXPECT_LE(wait, 86'400);
  fixture_.clock().advance(std::chrono::seconds(wait));
  fixture_.feed().poll();
  EXPECT_EQ(send(body).status, 204);
}

}  // namespace
}  // namespace valetkey::api
