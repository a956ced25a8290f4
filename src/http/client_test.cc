// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/testing/server.h"

namespace valetkey::http {
namespace {

using testing::HasSubstr;

ClientRequest request(std::string method, std::string_view url, std::string body = {}) {
  return {.method = std::move(method),
          .url = Url::parse(url).value(),
          .headers = {},
          .body = std::move(body)};
}

std::string url_of(const TestServer& server, std::string_view path) {
  return "http://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

// What the client says of a server that answers so.
std::string complaint(std::string answer) {
  CannedServer server({std::move(answer)});
  const auto result = TestClient().get(server.url());
  if (result) return "accepted";
  EXPECT_EQ(result.error().code, ErrorCode::unavailable);
  return result.error().detail;
}

TEST(Url, ReadsItsParts) {
  const auto url = Url::parse("HTTPS://Example.org/a%20b?c=d");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->host, "Example.org");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/a%20b?c=d");
  EXPECT_EQ(url->authority(), "Example.org");
  EXPECT_EQ(Url::parse("http://[::1]:9000")->authority(), "[::1]:9000");
  EXPECT_EQ(Url::parse("http://[::1]:9000")->host, "::1");
  EXPECT_EQ(Url::parse("http://h:80?x")->target, "/?x");
  EXPECT_EQ(Url::parse("http://h:80")->authority(), "h");
}

TEST(Url, RefusesWhatIsNone) {
  for (const char* bad : {"", "h", "ftp://h", "http://", "http://h:0", "http://h:65536",
                          "http://h:x", "http://u@h/", "http://h/a b", "http://h/#f", "http://[::1",
                          "http://[h]", "http://h\r\n/", "http://h/\xc3\xa9", "http://:80"})
    EXPECT_FALSE(Url::parse(bad)) << bad;
}

TEST(Client, SendsAndReceivesOverOneConnection) {
  TestServer server;
  TestClient client;
  for (int i = 0; i < 3; ++i) {
    const auto response =
        client.send(request("POST", url_of(server, "/echo"), "body " + std::to_string(i)));
    ASSERT_TRUE(response) << response.error().detail;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "body " + std::to_string(i));
    EXPECT_EQ(*response->header("CONTENT-TYPE"), "text/plain");
    EXPECT_EQ(server.listener->connections(), 1U);
  }
}

TEST(Client, SendsWhatHttpWants) {
  CannedServer server({"HTTP/1.1 204 No Content\r\n\r\n"});
  ClientRequest post = request("POST", server.url("/x?y"));
  post.headers = {{"X-A", "b"}, {"host", "other"}};
  EXPECT_EQ(TestClient().send(post)->status, 204);
  EXPECT_EQ(server.heads().at(0),
            "POST /x?y HTTP/1.1\r\nUser-Agent: valetkey\r\nX-A: b\r\nhost: "
            "other\r\nContent-Length: 0\r\n\r\n");
}

TEST(Client, RefusesToSendSplitLines) {
  ClientRequest split = request("GET", "http://127.0.0.1:1/");
  split.headers = {{"X-A", "b\r\nX-C: d"}};
  EXPECT_EQ(TestClient().send(split).error().code, ErrorCode::invalid);
  ClientRequest spaced = request("GET", "http://127.0.0.1:1/");
  spaced.url.target = "/a b";
  EXPECT_EQ(TestClient().send(spaced).error().code, ErrorCode::invalid);
}

TEST(Client, ReadsHeadAnswersWithoutABody) {
  TestServer server;
  TestClient client;
  const auto response = client.send(request("HEAD", url_of(server, "/stream")), 10);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(*response->header("content-length"), "200000");
  EXPECT_EQ(client.get(url_of(server, "/a"))->body, "hello /a");
}

TEST(Client, StreamsIntoASink) {
  TestServer server;
  TestClient client;
  std::string got;
  const auto sink = [&got](std::string_view piece) -> Result<void> {
    got += piece;
    return {};
  };
  ASSERT_TRUE(client.send(request("GET", url_of(server, "/large")), sink));
  EXPECT_EQ(got, std::string(3'000'000, 'L'));
  got.clear();
  EXPECT_EQ(client.send(request("GET", url_of(server, "/throw")), sink)->body, "refused 500");
  EXPECT_EQ(got, "");
}

TEST(Client, EndsWhereTheSinkSays) {
  TestServer server;
  const auto result = TestClient().send(
      request("GET", url_of(server, "/large")),
      [](std::string_view) { return Result<void>(fail(ErrorCode::full, "no space")); });
  EXPECT_EQ(result.error().code, ErrorCode::full);
}

TEST(Client, LimitsWhatItKeeps) {
  TestServer server;
  EXPECT_EQ(TestClient().send(request("GET", url_of(server, "/large")), 2'999'999).error().code,
            ErrorCode::too_large);
  EXPECT_TRUE(TestClient().send(request("GET", url_of(server, "/large")), 3'000'000));
  CannedServer chunked(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"});
  EXPECT_EQ(TestClient().send(request("GET", chunked.url()), 4).error().code, ErrorCode::too_large);
}

TEST(Client, ReportsBodiesThatEndEarly) {
  TestServer server;
  EXPECT_EQ(TestClient().get(url_of(server, "/failing")).error().code, ErrorCode::unavailable);
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"),
              HasSubstr("before the body"));
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
              HasSubstr("before the body"));
}

TEST(Client, ReportsAnswersThatAreNoHttp) {
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\n\n"), HasSubstr("not HTTP"));
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\n"), HasSubstr("within the head"));
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
              HasSubstr("not HTTP"));
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello"),
              HasSubstr("chunks"));
  EXPECT_THAT(complaint("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'a')),
              HasSubstr("too large"));
  EXPECT_THAT(complaint("HTTP/1.1 101 Switching\r\n\r\n"), HasSubstr("status"));
  EXPECT_THAT(complaint(""), testing::AnyOf(HasSubstr("broke"), HasSubstr("ended")));
}

TEST(Client, SkipsInterimAnswers) {
  CannedServer server(
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  const auto response = TestClient().get(server.url());
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(response->header("A"), nullptr);
}

TEST(Client, FlagsBodiesWithoutALength) {
  CannedServer server({"HTTP/1.0 200 OK\r\n\r\nall of it?"});
  const auto response = TestClient().get(server.url());
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "all of it?");
  EXPECT_TRUE(response->until_close);
}

TEST(Client, OpensAnotherConnectionWhenTheServerHasClosedOne) {
  const std::string fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  CannedServer server({fine, fine, fine + "surplus", fine});
  TestClient client;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(client.get(server.url())->body, "ok");
}

TEST(Client, SaysThatNobodyIsThere) {
  std::string url;
  {
    const TestServer server;
    url = url_of(server, "/");
  }
  const auto result = TestClient().get(url);
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_THAT(result.error().detail, HasSubstr("nothing takes connections at 127.0.0.1:"));
  EXPECT_THAT(result.error().detail, HasSubstr("(Connection refused)"));
  EXPECT_THAT(TestClient().get("http://no-such-host.invalid/").error().detail,
              HasSubstr("resolve"));
}

TEST(Client, TakesWhoHasAnsweredBeforeForOneWhoComesBack) {
  TestClient client;
  std::string url;
  {
    const TestServer server;
    url = url_of(server, "/");
    ASSERT_TRUE(client.get(url));
  }
  EXPECT_EQ(client.get(url).error().code, ErrorCode::unavailable);
}

TEST(Client, SaysThatNoHttpServerIsThereWithoutWaitingForMore) {
  for (const auto& [first, words] : std::vector<std::pair<std::string, const char*>>{
           {"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP server"},
           {"220 mail ESMTP\r\n", "no HTTP server"},
           {"\x15\x03\x01\x00\x02\x02\x46", "speaks TLS: use https://"}}) {
    CannedServer server({first});
    const auto result = TestClient().get(server.url());
    ASSERT_FALSE(result) << words;
    EXPECT_EQ(result.error().code, ErrorCode::io);
    EXPECT_THAT(result.error().detail, HasSubstr(words));
  }
}

TEST(Client, SaysThatAPortDoesNotSpeakTls) {
  const TestServer server;
  const auto result = TestClient().get("https" + url_of(server, "/").substr(4));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().detail, HasSubstr("does not speak TLS"));
  EXPECT_THAT(result.error().detail, HasSubstr("http://"));
}

TEST(Client, DoesNotWaitForever) {
  TestServer server;
  const auto begun = std::chrono::steady_clock::now();
  ClientOptions options;
  options.io_timeout = milliseconds(100);
  const auto result = TestClient(options).get(url_of(server, "/slow"));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, seconds(2));
  ASSERT_TRUE(result || result.error().detail.contains("in time")) << result.error().detail;
}

TEST(Client, ResolvesNames) {
  TestServer server;
  const auto response =
      TestClient().get("http://localhost:" + std::to_string(server.port()) + "/a");
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "hello /a");
}

}  // namespace
}  // namespace valetkey::http
