// SPDX-License-Identifier: Apache-2.0
// Tokens that are limited to prefixes and networks, over REST: what they create, buy and may not.
#include <gtest/gtest.h>

#include "access/testing/faulty_issuer.h"
#include "access/testing/foreign_issuer.h"
#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

constexpr const char* kOffice = "10.1.2.3";

class NarrowingTest : public testing::Test {
 protected:
  static control::Narrowing narrowing() {
    return control::Narrowing::make({.types = {"decisions"}, .sources = {"10.0.0.0/8"}}).value();
  }
  Reply post(std::string_view token, std::string body, std::string client = kOffice) {
    return desk_.call(
        {.method = http::Method::post,
         .target = "/v2/tokens",
         .headers = {ServiceFixture::bearer(token), {"Content-Type", "application/json"}},
         .body = std::move(body),
         .client = std::move(client)});
  }
  Reply get(std::string target, std::string_view token, std::string client = kOffice) {
    return desk_.call({.target = std::move(target),
                       .headers = {ServiceFixture::bearer(token)},
                       .client = std::move(client)});
  }

  ServiceFixture desk_;
  Secret whole_ = desk_.make_token(desk_.user(0), kBoth);
  TokenId limited_id_ = make_token_id();
  Secret limited_ = desk_.make_token(desk_.user(0), kBoth, {}, &limited_id_, narrowing());
};

TEST_F(NarrowingTest, IsAskedForShownAndAudited) {
  const Reply made = post(whole_.reveal(), R"({"name":"n","types":["decisions"],)"
                                           R"("sources":["10.0.0.0/8","192.0.2.7/32"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json().at("prefixes"), boost::json::parse(R"(["type=decisions/"])"));
  EXPECT_EQ(made.json().at("sources"), boost::json::parse(R"(["10.0.0.0/8","192.0.2.7"])"));
  const Reply shown = get("/v2/tokens/" + made.text("id"), whole_.reveal());
  EXPECT_EQ(shown.json().at("prefixes"), made.json().at("prefixes"));
  EXPECT_EQ(desk_.audit().events().back().detail, "type=decisions/ from 10.0.0.0/8, 192.0.2.7");
}

TEST_F(NarrowingTest, RefusesWhatIsNoLimit) {
  for (const char* limits :
       {R"("types":["decisions2"])", R"("types":"decisions")", R"("prefixes":["type=decisions"])",
        R"("prefixes":["../"])", R"("prefixes":[""])", R"("prefixes":[1])",
        R"("types":["decisions"],"prefixes":["type=events/"])", R"("sources":["10.0.0.1/8"])",
        R"("sources":["example.org"])", R"("sources":{})"}) {
    const Reply refused = post(whole_.reveal(), std::string(R"({"name":"n",)") + limits + "}");
    EXPECT_EQ(refused.status, 400) << limits;
    EXPECT_TRUE(refused.text("message").ends_with('.')) << refused.body;
  }
}

TEST_F(NarrowingTest, OnlyNarrowsFurther) {
  const Reply child = post(limited_.reveal(), R"({"name":"n"})");
  ASSERT_EQ(child.status, 201) << child.body;
  EXPECT_EQ(child.json().at("prefixes"), boost::json::parse(R"(["type=decisions/"])"));
  EXPECT_EQ(child.json().at("sources"), boost::json::parse(R"(["10.0.0.0/8"])"));
  const Reply narrower =
      post(limited_.reveal(), R"({"name":"n","prefixes":["type=decisions/date=2026-11-29/"],)"
                              R"("sources":["10.1.0.0/16"]})");
  EXPECT_EQ(narrower.status, 201) << narrower.body;
  for (const char* wider : {R"("types":["events"])", R"("types":["decisions","events"])",
                            R"("prefixes":["type=decisions2/"])", R"("sources":["0.0.0.0/0"])",
                            R"("sources":["10.0.0.0/8","192.0.2.7"])", R"("sources":["::/0"])"}) {
    const Reply refused = post(limited_.reveal(), std::string(R"({"name":"n",)") + wider + "}");
    EXPECT_EQ(refused.status, 403) << wider << refused.body;
  }
}

TEST_F(NarrowingTest, BuysWhatItIsLimitedTo) {
  const Reply reply = get("/v2/export/credentials", limited_.reveal());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.json().at("s3Path"), "s3://optimizely-events-data/v1/account_id=12/");
  EXPECT_EQ(reply.json().at("prefixes"), boost::json::parse(R"(["type=decisions/"])"));
  const auto credentials = reply.json().at("credentials").as_object();
  const auto scope = access::open_session(
      *desk_.keys().get(), std::string_view(credentials.at("sessionToken").as_string()),
      std::string_view(credentials.at("accessKeyId").as_string()), desk_.now());
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->claims().narrowing, narrowing());
}

TEST_F(NarrowingTest, IsOfNoUseFromElsewhere) {
  for (const char* target :
       {"/v2/export/credentials", "/v2/export/credentials/container", "/v2/tokens", "/v2/account"})
    for (const char* client : {"192.0.2.1", "11.0.0.1", "::10.1.2.3", "::1"}) {
      const Reply refused = get(target, limited_.reveal(), client);
      EXPECT_EQ(refused.status, 403) << target << client;
      EXPECT_NE(refused.body.find(Address::parse(client)->str()), std::string::npos);
      EXPECT_EQ(refused.body.find("10.0.0.0"), std::string::npos) << "its own stay its own";
    }
  EXPECT_EQ(post(limited_.reveal(), R"({"name":"n"})", "192.0.2.1").status, 403);
  EXPECT_EQ(get("/v2/account", limited_.reveal(), "::ffff:10.1.2.3").status, 200);
  const Reply spoofed = desk_.call(
      {.target = "/v2/account",
       .headers = {ServiceFixture::bearer(limited_.reveal()), {"X-Forwarded-For", kOffice}}});
  EXPECT_EQ(spoofed.status, 403);
}

TEST_F(NarrowingTest, IsRefusedWhereTheEngineCannotKeepIt) {
  access::ForeignIssuer foreign(desk_.keys());
  desk_.use_issuer(foreign);
  const Reply refused = post(whole_.reveal(), R"({"name":"n","types":["decisions"]})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.text("message"), "Sessions there cannot be limited.");
  const Reply unsold = get("/v2/export/credentials", limited_.reveal());
  EXPECT_EQ(unsold.status, 403);
  EXPECT_EQ(unsold.text("message"), "Sessions there cannot be limited.");
}

class CutOffTest : public NarrowingTest {
 protected:
  Reply revoke(const TokenId& id, const std::string& query) {
    return desk_.call({.method = http::Method::delete_,
                       .target = "/v2/tokens/" + id.str() + query,
                       .headers = {ServiceFixture::bearer(whole_.reveal())}});
  }
  bool ends(const Reply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.status == 200 && reply.json().at("sessions_ended").as_bool();
  }
  access::ForeignIssuer foreign_{desk_.keys()};
  FaultyCalls calls_;
  access::FaultyIssuer issuer_{foreign_, calls_};
};

TEST_F(CutOffTest, SaysThatSessionsEndWithTheirToken) {
  const Reply reply = revoke(limited_id_, "?cut_off=true");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.json().at("sessions_ended").as_bool());
  EXPECT_EQ(reply.text("sessions_end_by"), format_iso8601(desk_.now()));
}

TEST_F(CutOffTest, EndsTheSessionsOfATokenAndOfWhatItCreatedAtTheEngine) {
  const Reply child = post(limited_.reveal(), R"({"name":"child"})");
  desk_.use_issuer(issuer_);
  EXPECT_EQ(revoke(limited_id_, "?cut_off=yes").status, 400);
  const Reply reply = revoke(limited_id_, "?cut_off=true");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.json().at("sessions_ended").as_bool());
  EXPECT_EQ(foreign_.cut, (std::vector<std::string>{limited_id_.str(), child.text("id")}));
  EXPECT_EQ(foreign_.cuts, 1);
  EXPECT_EQ(desk_.audit().events().back().action, "sessions.cut-off!");
}

// The child was revoked the first time, and its sessions live.
TEST_F(CutOffTest, EndsTheSessionsOfWhatItCreatedAlsoWhenRepeated) {
  const Reply child = post(limited_.reveal(), R"({"name":"child"})");
  desk_.use_issuer(issuer_);
  calls_.fail_call(1, {ErrorCode::unavailable, "iam: no answer in time"});
  EXPECT_FALSE(ends(revoke(limited_id_, "?cut_off=true")));
  EXPECT_TRUE(ends(revoke(limited_id_, "?cut_off=true")));
  EXPECT_EQ(foreign_.cut, (std::vector<std::string>{limited_id_.str(), child.text("id")}));
}

TEST_F(CutOffTest, LeavesTheDescendantsAloneWhoseSessionsHaveAllEnded) {
  const Reply child = post(limited_.reveal(), R"({"name":"child"})");
  desk_.use_issuer(issuer_);
  EXPECT_EQ(revoke(limited_id_, "").status, 204);
  desk_.clock().set(desk_.now() + std::chrono::hours(2));
  EXPECT_EQ(revoke(limited_id_, "?cut_off=true").status, 200);
  EXPECT_EQ(foreign_.cut, std::vector<std::string>{limited_id_.str()});
}

// A stolen token that creates as many as it may must not keep its owner from revoking it.
TEST_F(CutOffTest, RevokesAlsoWhereTokensAreCreatedTooFast) {
  Options options = ServiceFixture::make_options();
  options.token_creations_per_s = 0.05;  // one at once
  desk_.use_issuer(issuer_);
  desk_.rebuild(options);
  ASSERT_EQ(post(whole_.reveal(), R"({"name":"n"})").status, 201);
  ASSERT_EQ(post(whole_.reveal(), R"({"name":"n"})").status, 429);
  const Reply reply = revoke(limited_id_, "?cut_off=true");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_FALSE(reply.json().at("sessions_ended").as_bool());
  EXPECT_TRUE(reply.text("sessions").contains("repeat this in")) << reply.body;
  EXPECT_EQ(foreign_.cuts, 0);
  EXPECT_EQ(get("/v2/export/credentials", limited_.reveal()).status, 401);
}

// Whatever call to the store fails, it never says more than what happened, and a repetition ends them.
TEST_F(CutOffTest, IsDoneByARepetitionWhereverTheStoreFails) {
  desk_.use_issuer(issuer_);
  int faults = 0;
  for (int n = 1;; ++n) {
    TokenId id = make_token_id();
    const Secret doomed = desk_.make_token(desk_.user(0), kBoth, {}, &id);
    foreign_.cut.clear();
    const auto before = desk_.store().calls();
    desk_.store().fail_call(n, Error{ErrorCode::io, "/srv/control.db: row 7"});
    const Reply reply = revoke(id, "?cut_off=true");
    const bool failed = desk_.store().calls() - before >= n;
    desk_.store().heal();
    desk_.feed().poll();
    EXPECT_EQ(reply.body.find("row 7"), std::string::npos) << reply.body;
    if (reply.status == 200 && ends(reply))
      EXPECT_EQ(foreign_.cut, std::vector<std::string>{id.str()});
    EXPECT_TRUE(ends(revoke(id, "?cut_off=true"))) << n;
    EXPECT_EQ(foreign_.cut.back(), id.str());
    EXPECT_EQ(get("/v2/account", doomed.reveal()).status, 401) << n;
    if (!failed) break;
    ++faults;
  }
  EXPECT_GE(faults, 5);
}

TEST_F(CutOffTest, AsksForAnotherTryWhereTheEngineCannotSayWhatItKeeps) {
  desk_.use_issuer(issuer_);
  calls_.fail_call(1, {ErrorCode::io, "iam.internal: AKIA-secret"});
  const Reply failed = post(whole_.reveal(), R"({"name":"n"})");
  EXPECT_EQ(failed.status, 500);
  EXPECT_EQ(failed.body.find("AKIA"), std::string::npos);
  EXPECT_EQ(post(whole_.reveal(), R"({"name":"n"})").status, 201);
}

TEST_F(CutOffTest, SaysUntilWhenSessionsLiveThatWereNotEnded) {
  desk_.use_issuer(issuer_);
  const std::string by = format_iso8601(desk_.now() + std::chrono::hours(1));
  calls_.fail_call(1, {ErrorCode::unavailable, "iam: no answer in time"});
  const Reply away = revoke(limited_id_, "?cut_off=true");
  ASSERT_EQ(away.status, 200) << away.body;
  EXPECT_EQ(away.body.find("iam:"), std::string::npos) << "it is the operator's: " << away.body;
  EXPECT_FALSE(away.json().at("sessions_ended").as_bool());
  EXPECT_EQ(away.text("sessions_end_by"), by);
  EXPECT_EQ(desk_.audit().events().back().action, "sessions.not-cut-off!");
  EXPECT_NE(desk_.audit().events().back().detail.find(by), std::string::npos);
  EXPECT_EQ(revoke(limited_id_, "").status, 204);
  EXPECT_EQ(calls_.calls(), 1U) << "nothing is cut off that was not asked for";
  EXPECT_NE(desk_.audit().events().back().detail.find(by), std::string::npos);
}

}  // namespace
}  // namespace valetkey::api
