// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "http/testing/server.h"

namespace valetkey::http {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Server, KeepsConnectionsAlive) {
  TestServer server;
  RawClient client(server.port());
  for (int i = 0; i < 3; ++i) {
    const std::string answer = client.send(get("/a")).read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\nDate: "));
    EXPECT_THAT(answer, EndsWith("Content-Length: 8\r\n\r\nhello /a"));
  }
  EXPECT_EQ(server.listener->connections(), 1U);
}

TEST(Server, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get("/" + std::to_string(i));
  client.send(requests);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(body_of(client.read_answer()), "hello /" + std::to_string(i));
}

TEST(Server, TakesARequestByteByByte) {
  TestServer server;
  RawClient client(server.port());
  for (const char c : get("/echo", "Content-Length: 3\r\n", "POST") + "abc") client.send({&c, 1});
  EXPECT_EQ(body_of(client.read_answer()), "abc");
}

TEST(Server, ReadsBodiesOfBothFramings) {
  TestServer server;
  RawClient client(server.port());
  const std::string big(90'000, 'x');
  client.send(get("/echo", "Content-Length: 90000\r\n", "PUT") + big);
  EXPECT_EQ(body_of(client.read_answer()), big);
  client.send(get("/echo", "Transfer-Encoding: chunked\r\n", "PUT") + "3\r\nabc\r\n" + "15f90\r\n" +
              big + "\r\n0\r\n\r\n" + get("/next"));
  EXPECT_EQ(body_of(client.read_answer()), "abc" + big);
  EXPECT_EQ(body_of(client.read_answer()), "hello /next");
}

TEST(Server, SkipsOneBlankLineBeforeARequest) {
  TestServer server;
  EXPECT_EQ(status_of(ask(server.port(), "\r\n" + get("/"))), 200);
  EXPECT_EQ(status_of(ask(server.port(), "\r\n\r\n" + get("/"))), 400);
}

TEST(Server, RefusesMalformedRequestsAndCloses) {
  TestServer server;
  for (const std::string& bad :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string("GET / HTTP/1.1\nHost: h\n\n"),
        std::string("\x16\x03\x01\x02\r\n\r\n"), get("/", "Host: h\r\n"), get("/", "A : b\r\n"),
        get("/", "A: b\r\n c\r\n"), get("/", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
        get("/", "Content-Length: 3\r\nContent-Length: 3\r\n") + "abc",
        get("/echo", "Transfer-Encoding: chunked\r\n", "POST") + "zz\r\n",
        get("/echo", "Transfer-Encoding: chunked\r\n", "POST") + "3\r\nabcX",
        get("/", std::string("A: b\0c\r\n", 8))}) {
    RawClient client(server.port());
    const std::string answer = client.send(bad + get("/smuggled")).read_all();
    EXPECT_EQ(status_of(answer), 400) << bad;
    EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(answer, EndsWith("refused 400")) << bad;
  }
}

TEST(Server, ClosesAfterHttp10) {
  TestServer server;
  const std::string answer =
      RawClient(server.port()).send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(body_of(answer), "hello /x");
}

TEST(Server, HonoursCloseFromEitherSide) {
  TestServer server;
  EXPECT_EQ(body_of(RawClient(server.port()).send(get("/a", "Connection: close\r\n")).read_all()),
            "hello /a");
  EXPECT_EQ(body_of(RawClient(server.port()).send(get("/close")).read_all()), "bye");
}

TEST(Server, AsksForABodyOnlyIfItWillReadIt) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/echo", "Content-Length: 3\r\nExpect: 100-continue\r\n", "PUT"));
  EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(client.send("abc").read_answer()), "abc");
  client.send(get("/unread", "Content-Length: 100001\r\nExpect: 100-continue\r\n", "PUT"));
  EXPECT_EQ(status_of(client.read_all()), 413);
}

TEST(Server, AnswersBeforeItDropsABodyThatIsTooLarge) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/unread", "Content-Length: 10485760\r\n", "PUT"));
  // SDKs see no answer if they cannot send all.
  const std::string body(10 << 20, 'x');
  for (std::size_t sent = 0; sent < body.size();) {
    const auto n = ::send(client.fd(), body.data() + sent, body.size() - sent, MSG_NOSIGNAL);
    ASSERT_GT(n, 0) << "after " << sent << " bytes";
    sent += static_cast<std::size_t>(n);
  }
  const std::string answer = client.read_all();
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_THAT(answer, EndsWith("seen"));
  RawClient chunked(server.port());
  chunked.send(get("/unread", "Transfer-Encoding: chunked\r\n", "PUT") + "186a1\r\n" +
               std::string(30'000, 'x'));
  EXPECT_THAT(chunked.read_all(), EndsWith("seen"));
}

TEST(Server, SendsNoBodyWhereThereIsNone) {
  TestServer server;
  RawClient client(server.port());
  EXPECT_THAT(client.send(get("/abc", "", "HEAD")).read_answer(true),
              HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(client.send(get("/stream", "", "HEAD")).read_answer(true),
              HasSubstr("Content-Length: 200000\r\n"));
  EXPECT_THAT(client.send(get("/none")).read_answer(), Not(HasSubstr("Content-Length")));
  EXPECT_THAT(client.send(get("/unchanged")).read_answer(true),
              HasSubstr("Content-Length: 77\r\n"));
  EXPECT_EQ(body_of(client.send(get("/a")).read_answer()), "hello /a");
}

TEST(Server, StreamsFromASourceThatBlocksAndWaits) {
  TestServer server;
  RawClient client(server.port());
  EXPECT_EQ(body_of(client.send(get("/stream")).read_answer()), std::string(200'000, 'b'));
  EXPECT_EQ(body_of(client.send(get("/large")).read_answer()), std::string(3'000'000, 'L'));
  EXPECT_EQ(server.observer.wait_for(0).bytes_sent, 200'000U);
  EXPECT_FALSE(server.observer.wait_for(0).aborted);
}

TEST(Server, NeverCompletesABodyWhoseSourceFailed) {
  TestServer server;
  const std::string answer = RawClient(server.port()).send(get("/failing")).read_all();
  EXPECT_THAT(answer, EndsWith("[reset]"));
  EXPECT_LT(body_of(answer).size(), 200'000U);
  EXPECT_TRUE(server.observer.wait_for(0).aborted);
  EXPECT_EQ(server.observer.wait_for(0).bytes_sent, 100'000U);
}

TEST(Server, AnswersForAHandlerThatThrows) {
  TestServer server;
  const std::string answer = RawClient(server.port()).send(get("/throw")).read_all();
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(body_of(answer), "refused 500");
}

TEST(Server, GivesUpOnClientsThatDoNotRead) {
  Limits limits;
  limits.write_timeout = milliseconds(150);
  TestServer server(limits);
  RawClient client(server.port());
  std::string requests;
  for (int i = 0; i < 8; ++i) requests += get("/large");
  client.send(requests);
  EXPECT_TRUE(eventually([&] { return server.observer.open == 1; }));
  EXPECT_TRUE(eventually([&] { return server.observer.open == 0; }));
}

TEST(Server, SaysWhoTheClientIs) {
  TestServer direct;
  const std::string forwarded = "X-Forwarded-For: 198.51.100.1\r\n";
  EXPECT_EQ(body_of(RawClient(direct.port()).send(get("/client", forwarded)).read_answer()),
            "127.0.0.1");
  TestServer behind({}, nullptr, {"127.0.0.0/8"});
  EXPECT_EQ(body_of(RawClient(behind.port()).send(get("/client", forwarded)).read_answer()),
            "198.51.100.1");
  EXPECT_EQ(behind.observer.wait_for(0).client, "198.51.100.1");
}

TEST(Server, GivesEveryRequestItsOwnUuid) {
  TestServer server;
  RawClient client(server.port());
  std::set<std::string> ids;
  for (int i = 0; i < 300; ++i) {
    const std::string id = body_of(client.send(get("/id")).read_answer());
    EXPECT_THAT(id, testing::MatchesRegex(
                        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 300U);
}

TEST(Server, FinishesWhatRunsWhenDrained) {
  TestServer server;
  RawClient busy(server.port());
  RawClient idle(server.port());
  idle.send(get("/")).read_answer();
  busy.send(get("/slow"));
  ASSERT_TRUE(eventually([&] { return server.service.running == 1; }));
  server.listener->drain();
  EXPECT_EQ(idle.read_all(), "");
  const std::string answer = busy.read_all();
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(body_of(answer), "slept");
  EXPECT_TRUE(eventually([&] { return server.listener->connections() == 0; }));
  EXPECT_THROW(RawClient(server.port()), std::runtime_error);
}

TEST(Server, FinishesARunningDownloadWhenDrained) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/large"));
  const std::string begun = client.read_some(1000);
  server.listener->drain();
  EXPECT_EQ(body_of(begun + client.read_all()).size(), 3'000'000U);
}

TEST(Server, CutsEverythingWhenAborted) {
  TestServer server;
  RawClient client(server.port());
  client.send(get("/large")).read_some(1000);
  server.listener->abort();
  EXPECT_TRUE(eventually([&] { return server.listener->connections() == 0; }));
  EXPECT_LT(client.read_all().size(), 3'000'000U);
}

TEST(Server, CanBeDestroyedWithConnectionsOpen) {
  for (const bool stop_first : {false, true}) {
    auto server = std::make_unique<TestServer>();
    RawClient idle(server->port());
    RawClient busy(server->port());
    idle.send(get("/")).read_answer();
    busy.send(get("/slow"));
    ASSERT_TRUE(eventually([&] { return server->service.running == 1; }));
    if (stop_first) server->runtime.stop();
    server.reset();
    EXPECT_THAT(idle.read_all(), testing::AnyOf("", "[reset]"));
  }
}

TEST(Server, NamesThePortThatIsTaken) {
  TestServer server;
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const auto second = Listener::open(
      server.runtime, {.name = "api", .address = address, .limits = {}, .trusted_proxies = {}},
      server.service, server.observer, server.clock, nullptr);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::busy);
  EXPECT_THAT(second.error().detail, HasSubstr(address));
}

TEST(Server, RefusesAddressesThatAreNone) {
  TestServer server;
  for (const char* bad :
       {"", "8080", "localhost:80", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[127.0.0.1]:1"}) {
    const auto opened = Listener::open(
        server.runtime, {.name = "api", .address = bad, .limits = {}, .trusted_proxies = {}},
        server.service, server.observer, server.clock, nullptr);
    EXPECT_FALSE(opened) << bad;
  }
}

}  // namespace
}  // namespace valetkey::http
