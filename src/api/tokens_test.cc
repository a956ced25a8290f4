// SPDX-License-Identifier: Apache-2.0
// Tokens over REST: what is created, who sees and revokes what, and that accounts never meet.
#include "api/tokens.h"

#include <gtest/gtest.h>

#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

using namespace std::chrono_literals;

class TokensTest : public testing::Test {
 protected:
  std::vector<std::string> listed(const Secret& token, const std::string& query = "") {
    const Reply reply = desk_.get("/v2/tokens" + query, token.reveal());
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::vector<std::string> ids;
    for (const auto& each : reply.json().at("tokens").as_array())
      ids.emplace_back(std::string_view(each.at("id").as_string()));
    return ids;
  }
  Secret another_admin() {
    const auto boss = desk_.sqlite().create_user("boss@example.com", desk_.user(0).account,
                                                 control::Role::admin, desk_.now());
    return desk_.make_token(boss.value(), kBoth);
  }
  bool works(std::string_view token) {
    desk_.feed().poll();
    return desk_.get("/v2/account", token).status == 200;
  }

  ServiceFixture desk_;
  TokenId ada_id_ = make_token_id(), bob_id_ = ada_id_, kim_id_ = ada_id_, eve_id_ = ada_id_;
  Secret ada_ = desk_.make_token(desk_.user(0), kBoth, {}, &ada_id_);
  Secret bob_ = desk_.make_token(desk_.user(1), kBoth, {}, &bob_id_);
  Secret kim_ = desk_.make_token(desk_.user(2), kBoth, {}, &kim_id_);
  Secret eve_ = desk_.make_token(desk_.user(3), kBoth, {}, &eve_id_);
};

TEST_F(TokensTest, ShowsANewTokenOnce) {
  const Reply made = desk_.post(
      bob_.reveal(), R"({"name":"nightly","scopes":["export","tokens"],"expires_in":"90d"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.header("Cache-Control"), "no-store");
  EXPECT_EQ(made.text("name"), "nightly");
  EXPECT_EQ(made.text("user"), "bob@example.com");
  EXPECT_EQ(made.text("state"), "active");
  EXPECT_EQ(made.text("parent"), bob_id_.str());
  EXPECT_EQ(made.text("expires"), format_iso8601(desk_.now() + std::chrono::days(90)));
  EXPECT_TRUE(works(made.text("token")));
  const Reply list = desk_.get("/v2/tokens", bob_.reveal());
  EXPECT_EQ(list.body.find(made.text("token")), std::string::npos);
  EXPECT_EQ(list.body.find("vkpat_"), std::string::npos);
  const Digest256 digest = control::token_digest(made.text("token"));
  EXPECT_EQ(list.body.find(as_text(digest)), std::string::npos);
}

TEST_F(TokensTest, GivesTheExportScopeAndTheCallersLifeByDefault) {
  const Secret brief = desk_.make_token(desk_.user(1), kBoth, desk_.now() + 48h);
  const Reply made = desk_.post(brief.reveal(), R"({"name":"n"})");
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(made.json().at("scopes"), boost::json::parse(R"(["export"])"));
  EXPECT_EQ(made.text("expires"), format_iso8601(desk_.now() + 48h));
  const Reply endless = desk_.post(bob_.reveal(), R"({"name":"n"})");
  EXPECT_TRUE(endless.json().at("expires").is_null());
}

TEST_F(TokensTest, CreatesSubsetsOnly) {
  const Secret narrow = desk_.make_token(desk_.user(1), kTokens, desk_.now() + 24h);
  const std::pair<const char*, int> kRows[] = {
      {R"({"name":"n"})", 403},  // export, which it lacks
      {R"({"name":"n","scopes":["export"]})", 403},
      {R"({"name":"n","scopes":["tokens","export"]})", 403},
      {R"({"name":"n","scopes":["tokens"],"expires_in":"25h"})", 403},
      {R"({"name":"n","scopes":["tokens"],"expires":"2999-01-01T00:00:00Z"})", 403},
      {R"({"name":"n","scopes":["tokens"],"expires_in":"24h"})", 201},
      {R"({"name":"n","scopes":["tokens"]})", 201}};
  for (const auto& [body, status] : kRows)
    EXPECT_EQ(desk_.post(narrow.reveal(), body).status, status) << body;
}

TEST_F(TokensTest, NeedsTheScopeForEverything) {
  const Secret plain = desk_.make_token(desk_.user(0), kExport);
  EXPECT_EQ(desk_.get("/v2/tokens", plain.reveal()).status, 403);
  EXPECT_EQ(desk_.post(plain.reveal(), R"({"name":"n"})").status, 403);
  EXPECT_EQ(desk_.post(plain.reveal(), "not json").status, 403);
  EXPECT_EQ(desk_.revoke(plain.reveal(), bob_id_.str()).status, 403);
  EXPECT_TRUE(works(bob_.reveal()));
}

TEST_F(TokensTest, ShowsAnAdminTheAccountAndAMemberTheirOwn) {
  EXPECT_EQ(listed(bob_), std::vector{bob_id_.str()});
  auto all = listed(ada_);
  std::ranges::sort(all);
  std::vector<std::string> expected{ada_id_.str(), bob_id_.str(), kim_id_.str()};
  std::ranges::sort(expected);
  EXPECT_EQ(all, expected);
  EXPECT_EQ(listed(eve_), std::vector{eve_id_.str()});
}

TEST_F(TokensTest, ShowsOneTokenAndWhenItWasLastUsedFromWhere) {
  const std::string path = "/v2/tokens/" + bob_id_.str();
  EXPECT_TRUE(desk_.get(path, bob_.reveal()).json().at("last_used").is_null());
  ASSERT_EQ(desk_
                .call({.target = "/v2/export/credentials",
                       .headers = {desk_.bearer(bob_.reveal())},
                       .client = "2001:db8:1:2:3:4:5:6"})
                .status,
            200);
  ASSERT_TRUE(desk_.usage().flush());
  const Reply shown = desk_.get(path, ada_.reveal());
  ASSERT_EQ(shown.status, 200) << shown.body;
  EXPECT_EQ(shown.text("id"), bob_id_.str());
  EXPECT_EQ(shown.text("last_used"), format_iso8601(desk_.now()));
  EXPECT_EQ(shown.text("last_used_from"), "2001:db8:1:2::/64");
  EXPECT_EQ(desk_.get(path, kim_.reveal()).status, 404);
  EXPECT_EQ(desk_.get(path, eve_.reveal()).status, 404);
  EXPECT_EQ(desk_.get("/v2/tokens/nonsense", ada_.reveal()).status, 404);
  const Secret plain = desk_.make_token(desk_.user(0), kExport);
  EXPECT_EQ(desk_.get(path, plain.reveal()).status, 403);
}

TEST_F(TokensTest, FollowsTheUsersRoleNow) {
  ASSERT_TRUE(desk_.sqlite().set_user_role(desk_.user(0).id, control::Role::member, desk_.now()));
  desk_.feed().poll();
  EXPECT_EQ(listed(ada_), std::vector{ada_id_.str()});
  EXPECT_EQ(desk_.revoke(ada_.reveal(), bob_id_.str()).status, 404);
}

TEST_F(TokensTest, LetsOnlyAnAdminCreateForOthers) {
  const char* body = R"({"name":"n","user":"KIM@example.com"})";
  const Reply made = desk_.post(ada_.reveal(), body);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.text("user"), "kim@example.com");
  EXPECT_EQ(made.text("parent"), ada_id_.str());
  EXPECT_EQ(desk_.post(bob_.reveal(), body).status, 403);
  EXPECT_EQ(desk_.post(bob_.reveal(), R"({"name":"n","user":"nobody@example.com"})").status, 403);
  EXPECT_EQ(desk_.post(bob_.reveal(), R"({"name":"n","user":"bob@example.com"})").status, 201);
}

TEST_F(TokensTest, KnowsNoUserOfAnotherAccount) {
  const Reply other = desk_.post(ada_.reveal(), R"({"name":"n","user":"eve@example.com"})");
  const Reply nobody = desk_.post(ada_.reveal(), R"({"name":"n","user":"nobody@example.com"})");
  EXPECT_EQ(other.status, 400);
  EXPECT_EQ(other.body, nobody.body);
}

TEST_F(TokensTest, SaysWhatARevocationEndedWhereThatIsAskedFor) {
  desk_.clock().advance(std::chrono::seconds(1));  // the child is the younger one
  const Reply child = desk_.post(ada_.reveal(), R"({"name":"nightly","user":"kim@example.com"})");
  ASSERT_EQ(child.status, 201);
  const Secret boss = another_admin();
  const auto revoke = [&](bool ask) {
    std::vector headers{ServiceFixture::bearer(boss.reveal())};
    if (ask) headers.emplace_back("Prefer", "respond-async, return=representation");
    return desk_.call({.method = http::Method::delete_,
                       .target = "/v2/tokens/" + ada_id_.str(),
                       .headers = headers});
  };
  const Reply told = revoke(true);
  EXPECT_EQ(told.status, 200) << told.body;
  EXPECT_EQ(told.header("Preference-Applied"), "return=representation");
  const auto document = told.json();
  const auto& ended = document.at("revoked").as_array();
  ASSERT_EQ(ended.size(), 2U);
  EXPECT_EQ(ended[0].at("id").as_string(), ada_id_.str());
  EXPECT_EQ(ended[1].at("name").as_string(), "nightly");
  EXPECT_EQ(ended[1].at("user").as_string(), "kim@example.com");
  EXPECT_EQ(ended[1].at("state").as_string(), "revoked");
  const auto repeated = revoke(true).json();
  EXPECT_TRUE(repeated.at("revoked").as_array().empty());
  const Reply plain = revoke(false);  // as published
  EXPECT_EQ(plain.status, 204);
  EXPECT_EQ(plain.body, "");
}

TEST_F(TokensTest, EndWithTheUserWhoseTokenCreatedThem) {
  const Reply child = desk_.post(ada_.reveal(), R"({"name":"nightly","user":"kim@example.com"})");
  EXPECT_TRUE(works(child.text("token")));
  ASSERT_TRUE(
      desk_.sqlite().set_user_state(desk_.user(0).id, control::UserState::disabled, desk_.now()));
  EXPECT_FALSE(works(child.text("token")));
  EXPECT_FALSE(works(ada_.reveal()));
  EXPECT_TRUE(works(kim_.reveal()));
  const Reply list = desk_.get("/v2/tokens", another_admin().reveal());
  for (const auto& token : list.json().at("tokens").as_array())
    if (token.at("id").as_string() == ada_id_.str())
      EXPECT_EQ(token.at("state").as_string(), "disabled");
}

TEST_F(TokensTest, AreLimitedInNumber) {
  Options options = ServiceFixture::make_options();
  options.token_limits = {.per_user = 3, .per_account = 5};
  desk_.rebuild(options);
  int made = 0;
  Reply last;
  while ((last = desk_.post(bob_.reveal(), R"({"name":"n"})")).status == 201) ++made;
  EXPECT_EQ(made, 2);
  EXPECT_EQ(last.status, 403);
  EXPECT_NE(last.text("message").find("at most 3 tokens"), std::string::npos) << last.body;
  EXPECT_EQ(desk_.post(kim_.reveal(), R"({"name":"n"})").status, 403);  // of the account
  EXPECT_EQ(desk_.post(eve_.reveal(), R"({"name":"n"})").status, 201);  // another account
}

TEST_F(TokensTest, AreLimitedInRateHoweverManyTokensAsk) {
  Options options = ServiceFixture::make_options();
  options.token_creations_per_s = 0.1;
  desk_.rebuild(options);
  std::string token(bob_.reveal());
  for (int i = 0; i < 2; ++i) {  // 20 seconds' worth
    const Reply made = desk_.post(token, R"({"name":"n","scopes":["tokens"]})");
    ASSERT_EQ(made.status, 201) << made.body;
    token = made.text("token");
    if (i == 0) token = bob_.reveal();
  }
  const Reply refused = desk_.post(bob_.reveal(), R"({"name":"n"})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.header("Retry-After"), "");
  EXPECT_EQ(desk_.post(token, R"({"name":"n","scopes":["tokens"]})").status, 429);
  EXPECT_EQ(desk_.post(kim_.reveal(), R"({"name":"n"})").status, 201);
}

TEST_F(TokensTest, CreatesNothingForADisabledUser) {
  ASSERT_TRUE(
      desk_.sqlite().set_user_state(desk_.user(2).id, control::UserState::disabled, desk_.now()));
  EXPECT_EQ(desk_.post(ada_.reveal(), R"({"name":"n","user":"kim@example.com"})").status, 400);
}

TEST_F(TokensTest, HidesTheTokensOfOthersFromRevocation) {
  const Reply unknown = desk_.revoke(ada_.reveal(), make_token_id().str());
  EXPECT_EQ(unknown.status, 404);
  const Reply other = desk_.revoke(ada_.reveal(), eve_id_.str());
  EXPECT_EQ(other.status, 404);
  EXPECT_EQ(other.body, unknown.body);
  EXPECT_EQ(desk_.revoke(bob_.reveal(), kim_id_.str()).body, unknown.body);
  EXPECT_EQ(desk_.revoke(bob_.reveal(), ada_id_.str()).body, unknown.body);
  for (const char* id : {"tok_", "x", "tok_0123456789abcde%66", "tok_0123456789abcdef0", "%00"})
    EXPECT_EQ(desk_.revoke(ada_.reveal(), id).body, unknown.body) << id;
  for (const Secret* token : {&eve_, &kim_, &ada_, &bob_}) EXPECT_TRUE(works(token->reveal()));
}

TEST_F(TokensTest, RevokesAtOnceWithAllThatWasCreated) {
  const Reply child = desk_.post(bob_.reveal(), R"({"name":"c","scopes":["export","tokens"]})");
  const Reply grandchild = desk_.post(child.text("token"), R"({"name":"g"})");
  ASSERT_EQ(grandchild.status, 201);
  EXPECT_EQ(desk_.get("/v2/account", grandchild.text("token")).status, 200);
  const Reply gone = desk_.revoke(ada_.reveal(), bob_id_.str());
  EXPECT_EQ(gone.status, 204);
  EXPECT_EQ(gone.body, "");
  for (const std::string& token :
       {std::string(bob_.reveal()), child.text("token"), grandchild.text("token")})
    EXPECT_EQ(desk_.get("/v2/account", token).status, 401);
  EXPECT_EQ(desk_.revoke(ada_.reveal(), bob_id_.str()).status, 204);  // again
  EXPECT_EQ(listed(ada_).size(), 5U);                                 // still listed
  EXPECT_NE(desk_.get("/v2/tokens", ada_.reveal()).body.find("\"state\":\"revoked\""),
            std::string::npos);
}

TEST_F(TokensTest, ListsInPages) {
  for (int i = 0; i < 5; ++i) {
    desk_.clock().advance(1s);
    ASSERT_EQ(desk_.post(bob_.reveal(), R"({"name":"n"})").status, 201);
  }
  const auto whole = listed(bob_);
  ASSERT_EQ(whole.size(), 6U);
  std::vector<std::string> walked;
  std::string query = "?limit=4";
  for (int pages = 0; pages < 2; ++pages) {
    const Reply page = desk_.get("/v2/tokens" + query, bob_.reveal());
    for (const auto& id : listed(bob_, query)) walked.push_back(id);
    if (pages == 1)
      EXPECT_TRUE(page.json().at("next").is_null());
    else
      query = "?limit=4&after=" + page.text("next");
  }
  EXPECT_EQ(walked, whole);
}

TEST_F(TokensTest, RefusesBadPages) {
  for (const std::string query : {"?limit=0", "?limit=1001", "?limit=x", "?limit=", "?limit=-1",
                                  "?after=", "?after=tok_x", "?after=%zz"})
    EXPECT_EQ(desk_.get("/v2/tokens" + query, bob_.reveal()).status, 400) << query;
  // a token that exists, but in another list, is as unknown as any
  EXPECT_EQ(desk_.get("/v2/tokens?after=" + eve_id_.str(), ada_.reveal()).body,
            desk_.get("/v2/tokens?after=" + make_token_id().str(), ada_.reveal()).body);
}

TEST_F(TokensTest, AuditsBeforeTheAnswer) {
  const Reply made = desk_.post(ada_.reveal(), R"({"name":"n","user":"kim@example.com"})");
  const auto& created = desk_.audit().events().back();
  EXPECT_EQ(created.action, "token.create!");
  EXPECT_EQ(created.subject, made.text("id"));
  EXPECT_EQ(created.actor, desk_.user(0).id.str());
  EXPECT_EQ(created.account->str(), "12");
  ASSERT_EQ(desk_.revoke(ada_.reveal(), made.text("id")).status, 204);
  EXPECT_EQ(desk_.audit().events().back().action, "token.revoke!");
  (void)desk_.revoke(ada_.reveal(), eve_id_.str());
  EXPECT_EQ(desk_.audit().events().back().outcome, "not_found");
}

TEST_F(TokensTest, LeavesNoTokenThatTheAuditLogDoesNotKnow) {
  desk_.audit().fail_from_now();
  const Reply made = desk_.post(bob_.reveal(), R"({"name":"n"})");
  EXPECT_EQ(made.status, 500);
  EXPECT_EQ(made.body.find("vkpat_"), std::string::npos);
  EXPECT_EQ(made.body.find("/secret/"), std::string::npos);
  const auto tokens = desk_.sqlite().tokens(std::nullopt, desk_.user(1).id).value();
  ASSERT_EQ(tokens.size(), 2U);
  for (const auto& token : tokens) EXPECT_EQ(token.revoked.has_value(), token.id != bob_id_);
}

TEST_F(TokensTest, RevokesEvenIfItCannotBeAudited) {
  desk_.audit().fail_from_now();
  EXPECT_EQ(desk_.revoke(bob_.reveal(), bob_id_.str()).status, 500);
  EXPECT_FALSE(works(bob_.reveal()));
}

TEST_F(TokensTest, WantsJsonAndSaysSo) {
  Ask ask{.method = http::Method::post,
          .target = "/v2/tokens",
          .headers = {ServiceFixture::bearer(bob_.reveal())},
          .body = R"({"name":"n"})"};
  EXPECT_EQ(desk_.call(ask).status, 415);
  for (const char* type :
       {"text/plain", "application/jsonp", "application/x-www-form-urlencoded", ""}) {
    ask.headers.resize(1);
    ask.headers.emplace_back("Content-Type", type);
    EXPECT_EQ(desk_.call(ask).status, 415) << type;
  }
  ask.headers.back().second = "Application/JSON ; charset=utf-8";
  EXPECT_EQ(desk_.call(ask).status, 201);
}

}  // namespace
}  // namespace valetkey::api
