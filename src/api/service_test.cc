// SPDX-License-Identifier: Apache-2.0
// The service as a whole: routes, methods, errors, CORS, and a control store that fails.
#include "api/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/landing.h"
#include "api/testing/service_fixture.h"

namespace valetkey::api {
namespace {

using http::Method;
using testing::HasSubstr;

class ServiceTest : public testing::Test {
 protected:
  Reply call(Method method, const std::string& target) {
    return desk_.call(
        {.method = method, .target = target, .headers = {ServiceFixture::bearer(token_.reveal())}});
  }
  ServiceFixture desk_;
  Secret token_ = desk_.make_token(desk_.user(0), kBoth);
};

TEST_F(ServiceTest, SaysWhereTheExportLies) {
  const Reply reply = call(Method::get, "/v2/account");
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json(),
            boost::json::parse(R"({"account_id":"12","bucket":"optimizely-events-data",
      "prefix":"v1/account_id=12/","endpoint":"https://s3.example.com","region":"us-east-1"})"));
}

TEST_F(ServiceTest, LimitsTheRequestsOfOneTokenAndOfNoOther) {
  Options options = ServiceFixture::make_options();
  options.token_requests_per_s = 0.5;  // so that 20 seconds' worth is ten
  desk_.rebuild(options);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(call(Method::get, "/v2/export/credentials").status, 200) << i;
  const Reply refused = call(Method::get, "/v2/export/credentials");
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.code(), "rate_limited");
  EXPECT_EQ(refused.header("Retry-After"), "2");
  EXPECT_EQ(desk_.audit().events().size(), 10U) << "what is refused leaves no record";
  token_ = desk_.make_token(desk_.user(0), kBoth);
  EXPECT_EQ(call(Method::get, "/v2/export/credentials").status, 200);
}

TEST_F(ServiceTest, DoesNotKnowOtherPaths) {
  for (const char* target :
       {"/v2", "/v2/", "/v2/export/credentials/", "/v2/export/credentials/aws", "/v2//tokens",
        "/v2/tokens/", "/v2/tokens/a/b", "/V2/tokens", "/v2/export%2Fcredentials", "//", "",
        "/v2/tokens/../account", "/openapi.json/", "/\xff", "*"}) {
    const Reply reply = call(Method::get, target);
    EXPECT_EQ(reply.status, 404) << target;
    EXPECT_EQ(reply.code(), "not_found") << target;
  }
}

TEST_F(ServiceTest, NamesTheMethodsOfAPath) {
  const std::tuple<Method, const char*, const char*> kRows[] = {
      {Method::post, "/v2/export/credentials", "GET, HEAD"},
      {Method::put, "/v2/export/credentials/container", "GET, HEAD"},
      {Method::delete_, "/v2/tokens", "GET, HEAD, POST"},
      {Method::post, "/v2/tokens/tok_0123456789abcdef", "GET, HEAD, DELETE"},
      {Method::put, "/v2/tokens/x", "GET, HEAD, DELETE"},
      {Method::other, "/v2/account", "GET, HEAD"},
      {Method::options, "/v2/account", "GET, HEAD"},
      {Method::post, "/", "GET, HEAD"},
      {Method::delete_, "/openapi.json", "GET, HEAD"}};
  for (const auto& [method, target, allow] : kRows) {
    const Reply reply = call(method, target);
    EXPECT_EQ(reply.status, 405) << target;
    EXPECT_EQ(reply.code(), "method_not_allowed");
    EXPECT_EQ(reply.header("Allow"), allow) << target;
  }
}

TEST_F(ServiceTest, AnswersHeadLikeGet) {
  for (const char* target : {"/v2/export/credentials", "/v2/export/credentials/container",
                             "/v2/account", "/v2/tokens", "/openapi.json", "/"}) {
    const Reply head = call(Method::head, target);
    EXPECT_EQ(head.status, 200) << target;
    EXPECT_EQ(head.headers, call(Method::get, target).headers) << target;
  }
}

TEST_F(ServiceTest, WritesErrorsInThePublishedForm) {
  const Reply reply = call(Method::get, "/nowhere");
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  const auto error = reply.json();
  EXPECT_EQ(error.size(), 3U);
  EXPECT_EQ(error.at("uuid"), "6f1c7d0e-3b0a-4f57-9f1c-2f7f3b1f9f0a");
  EXPECT_EQ(reply.header("X-Request-Id"), "6f1c7d0e-3b0a-4f57-9f1c-2f7f3b1f9f0a");
}

TEST_F(ServiceTest, KeepsNothingInCaches) {
  for (const char* target : {"/v2/export/credentials", "/v2/account", "/v2/tokens", "/nowhere"})
    EXPECT_EQ(call(Method::get, target).header("Cache-Control"), "no-store") << target;
}

TEST_F(ServiceTest, RefusesLargeBodies) {
  const Reply reply = desk_.call({.method = Method::post,
                                  .target = "/v2/tokens",
                                  .headers = {ServiceFixture::bearer(token_.reveal())},
                                  .body_complete = false});
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.code(), "too_large");
  EXPECT_EQ(desk_.service().max_body_bytes({}), 16U * 1024);
}

TEST_F(ServiceTest, RefusesWhatNeverBecameARequest) {
  const std::pair<int, const char*> kRows[] = {{400, "invalid_request"},
                                               {408, "timeout"},
                                               {431, "headers_too_large"},
                                               {500, "internal"},
                                               {503, "unavailable"}};
  for (const auto& [status, code] : kRows) {
    const Reply reply = ServiceFixture::write(desk_.service().refuse(status, {}));
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.code(), code);
    EXPECT_EQ(reply.header("Retry-After").empty(), status != 503);
  }
}

TEST_F(ServiceTest, GreetsPeople) {
  const Reply page = desk_.call({.target = "/"});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_NE(page.body.find("https://api.example.com/v2/export/credentials/container"),
            std::string::npos);
  EXPECT_NE(page.body.find("/openapi.json"), std::string::npos);
}

TEST_F(ServiceTest, PrintsAddressesThatWork) {
  const auto page = [this](std::vector<std::pair<std::string, std::string>> headers) {
    return desk_.call({.target = "/", .headers = std::move(headers)}).body;
  };
  const std::string uri = "export AWS_CONTAINER_CREDENTIALS_FULL_URI=";
  const std::string path = "/v2/export/credentials/container\n";
  EXPECT_THAT(page({{"Host", "other.example"}}), HasSubstr(uri + "https://api.example.com" + path));
  Options options = ServiceFixture::make_options();
  options.api_public_url = "";
  options.api_listener_url = "http://127.0.0.1:8080";
  options.intake_url = "http://127.0.0.1:8082/v1/events";
  desk_.rebuild(options);
  const std::string reached = page({{"Host", "10.0.0.7:8080"}});
  EXPECT_THAT(reached, HasSubstr(uri + "http://10.0.0.7:8080" + path));
  EXPECT_THAT(reached, HasSubstr("AWS_ENDPOINT_URL_S3=https://s3.example.com\n"));
  EXPECT_THAT(reached, HasSubstr("POST http://127.0.0.1:8082/v1/events<"));
  for (const char* host : {"", "a b", "<script>", "a/b", "\xFF"})
    EXPECT_THAT(page({{"Host", host}}), HasSubstr(uri + "http://127.0.0.1:8080" + path)) << host;
}

TEST(Landing, EscapesWhatItPrints) {
  const std::string page = landing_page({"<b>", "<b>", "<b>", "<b>", "<b>"});
  EXPECT_EQ(page.find("<b>"), std::string::npos);
}

TEST(Landing, SaysWhetherThereIsAConsole) {
  const auto page = [](WebConsole console) {
    return landing_page({"a", "s", "", "b", "r", console});
  };
  EXPECT_THAT(page(WebConsole::served), HasSubstr("Open this address in a browser"));
  EXPECT_THAT(page(WebConsole::off), HasSubstr("[console] enabled = false"));
  EXPECT_THAT(page(WebConsole::not_built), HasSubstr("built without Node.js"));
}

TEST_F(ServiceTest, KnowsNoForeignOriginByDefault) {
  const Reply reply = desk_.call({.target = "/v2/account",
                                  .headers = {ServiceFixture::bearer(token_.reveal()),
                                              {"Origin", "https://console.example.com"}}});
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "");
}

TEST_F(ServiceTest, LetsConfiguredOriginsIn) {
  Options options = ServiceFixture::make_options();
  options.cors_origins = {"https://console.example.com"};
  desk_.rebuild(options);
  Ask ask{.method = Method::options,
          .target = "/v2/tokens",
          .headers = {{"Origin", "https://console.example.com"},
                      {"Access-Control-Request-Method", "POST"}}};
  const Reply allowed = desk_.call(ask);
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://console.example.com");
  EXPECT_EQ(allowed.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(allowed.header("Access-Control-Allow-Methods"), "GET, HEAD, POST");
  EXPECT_EQ(allowed.header("Vary"), "Origin");
  for (const char* origin : {"https://evil.example.com", "null", "https://console.example.com.evil",
                             "http://console.example.com", ""}) {
    ask.headers[0].second = origin;
    const Reply refused = desk_.call(ask);
    EXPECT_EQ(refused.status, 405) << origin;
    EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "") << origin;
    EXPECT_EQ(refused.header("Vary"), "Origin");
  }
}

TEST_F(ServiceTest, LetsAnyOriginInWhereTheOperatorSaysSo) {
  Options options = ServiceFixture::make_options();
  options.cors_origins = {"*"};
  desk_.rebuild(options);
  const Reply error =
      desk_.call({.target = "/v2/account", .headers = {{"Origin", "https://any.example"}}});
  EXPECT_EQ(error.status, 401);
  EXPECT_EQ(error.header("Access-Control-Allow-Origin"), "https://any.example");
  EXPECT_EQ(error.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(error.header("Vary"), "Origin");
}

// Every call that a request makes of the control store fails once, in turn: the answer is 500 or
// 503, says nothing of the reason, and is whole again right after.
TEST_F(ServiceTest, SurvivesEveryFaultOfTheControlStore) {
  const TokenId none = make_token_id();
  const std::vector<Ask> requests = {
      {.target = "/v2/export/credentials"},
      {.target = "/v2/tokens"},
      {.method = Method::post, .target = "/v2/tokens", .body = R"({"name":"n"})"},
      {.method = Method::post,
       .target = "/v2/tokens",
       .body = R"({"name":"n","user":"bob@example.com"})"},
      {.method = Method::delete_, .target = "/v2/tokens/" + none.str()}};
  const std::pair<ErrorCode, int> kFaults[] = {{ErrorCode::unavailable, 503},
                                               {ErrorCode::busy, 503},
                                               {ErrorCode::io, 500},
                                               {ErrorCode::full, 500},
                                               {ErrorCode::corrupt, 500}};
  int faults = 0;
  for (Ask ask : requests)
    for (const auto& [code, status] : kFaults)
      for (int n = 1;; ++n) {
        const Secret fresh = desk_.make_token(desk_.user(0), kBoth);
        ask.headers = {ServiceFixture::bearer(fresh.reveal()),
                       {"Content-Type", "application/json"}};
        const auto before = desk_.store().calls();
        desk_.store().fail_call(n, Error{code, "/srv/control.db: row 7 of vkpat_x"});
        const Reply reply = desk_.call(ask);
        const bool failed = desk_.store().calls() - before >= n;
        desk_.store().heal();
        desk_.feed().poll();
        if (!failed) break;
        ++faults;
        EXPECT_EQ(reply.status, status) << ask.target << " call " << n;
        EXPECT_EQ(reply.body.find("control.db"), std::string::npos);
        EXPECT_EQ(reply.body.find("vkpat_"), std::string::npos);
        EXPECT_EQ(reply.header("Retry-After").empty(), status != 503);
      }
  EXPECT_GE(faults, 5 * 10);
}

TEST_F(ServiceTest, RevokesOnceTheStoreHasDoneIt) {
  TokenId id = make_token_id();
  const Secret doomed = desk_.make_token(desk_.user(0), kBoth, {}, &id);
  ASSERT_EQ(desk_.get("/v2/account", token_.reveal()).status, 200);  // known: no look-up below
  for (int n = 1; n <= 2; ++n) {  // reading the token, revoking it
    desk_.store().fail_call(n, Error{ErrorCode::io, "x"});
    EXPECT_EQ(desk_.revoke(token_.reveal(), id.str()).status, 500);
  }
  desk_.store().fail_call(3, Error{ErrorCode::io, "x"});  // following the change: done nevertheless
  EXPECT_EQ(desk_.revoke(token_.reveal(), id.str()).status, 204);
  desk_.store().heal();
  desk_.feed().poll();
  EXPECT_EQ(desk_.get("/v2/account", doomed.reveal()).status, 401);
}

}  // namespace
}  // namespace valetkey::api
