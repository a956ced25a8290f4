// SPDX-License-Identifier: Apache-2.0
#include "cli/credentials_endpoint.h"

#include <gtest/gtest.h>

#include "client/testing/export.h"

namespace valetkey::cli {
namespace {

TEST(CredentialsEndpoint, ListensOnThisMachineOnly) {
  for (const char* good : {"127.0.0.1:0", "127.0.0.2:9911", "[::1]:0"})
    EXPECT_TRUE(check_loopback(good)) << good;
  for (const char* bad : {"0.0.0.0:0", "[::]:0", "10.0.0.1:80", "localhost:0", "127.0.0.1", "",
                          ":80", "example.com:80", "[::ffff:8.8.8.8]:1"})
    EXPECT_FALSE(check_loopback(bad)) << bad;
}

struct CredentialsEndpointTest : client::World, testing::Test {
  CredentialsEndpointTest() { endpoint.set_authority("127.0.0.1:4711"); }
  // The status for a request, and its body.
  int ask(std::vector<http::Header> headers, std::string_view path = CredentialsEndpoint::kPath,
          http::Method method = http::Method::get) {
    http::Request request;
    request.method = method;
    request.target = request.path = path;
    request.headers = std::move(headers);
    const auto answer = run([](CredentialsEndpoint& to,
                               const http::Request& r) -> http::Task<std::pair<int, std::string>> {
      auto response = co_await to.handle(r);
      co_return std::pair(response.status(), response.body_bytes());
    }(endpoint, request));
    body = answer.second;
    return answer.first;
  }
  client::Session session{loop, client, clock, session_options()};
  CredentialsEndpoint endpoint{session, Secret("right")};
  std::string body;
};

TEST_F(CredentialsEndpointTest, AnswersRequestsThatShowTheToken) {
  EXPECT_EQ(ask({{"Host", "127.0.0.1:4711"}, {"Authorization", "right"}}), 200);
  EXPECT_TRUE(body.starts_with(R"({"AccessKeyId":"ASIA1","SecretAccessKey":"s","Token":"t",)"))
      << body;
  EXPECT_EQ(ask({{"Host", "LOCALHOST:4711"}, {"Authorization", "right"}}), 200);
  EXPECT_EQ(service.exchanges, 1);
}

TEST_F(CredentialsEndpointTest, RefusesEverybodyElse) {
  const http::Header host{"Host", "127.0.0.1:4711"}, token{"Authorization", "right"};
  EXPECT_EQ(ask({host}), 401);
  EXPECT_EQ(ask({host, {"Authorization", "wrong"}}), 401);
  EXPECT_EQ(ask({host, {"Authorization", "Bearer right"}}), 401);
  EXPECT_EQ(ask({host, token, token}), 401);
  EXPECT_EQ(ask({token}), 403);
  // A page whose own name was made to resolve to this machine.
  EXPECT_EQ(ask({{"Host", "evil.example:4711"}, token}), 403);
  EXPECT_EQ(ask({{"Host", "127.0.0.1"}, token}), 403);
  EXPECT_EQ(ask({host, token}, "/"), 404);
  EXPECT_EQ(ask({host, token}, CredentialsEndpoint::kPath, http::Method::post), 405);
  EXPECT_EQ(service.exchanges, 0);
}

TEST_F(CredentialsEndpointTest, SaysWhatTheApiRefuses) {
  service.exchange_faults = {401};
  EXPECT_EQ(ask({{"Host", "127.0.0.1:4711"}, {"Authorization", "right"}}), 502);
}

}  // namespace
}  // namespace valetkey::cli
