// SPDX-License-Identifier: Apache-2.0
// What strangers cannot cost a listener: time, memory, connections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "http/testing/server.h"

namespace valetkey::http {
namespace {

Limits quick() {
  Limits limits;
  limits.head_timeout = limits.body_timeout = limits.idle_timeout = milliseconds(150);
  return limits;
}

TEST(ServerLimits, RefusesHugeHeads) {
  TestServer server;
  const std::string long_line = "A: " + std::string(16 * 1024, 'a') + "\r\n";
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/", long_line)).read_all()), 431);
  std::string many;
  for (int i = 0; i < 100; ++i) many += "A: b\r\n";
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/", many)).read_all()), 431);
  const std::string fitting = "A: " + std::string(15 * 1024, 'a') + "\r\n";
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/", fitting)).read_answer()), 200);
}

TEST(ServerLimits, EndsSlowHeads) {
  TestServer server(quick());
  RawClient client(server.port());
  client.send("GET / HT");
  EXPECT_EQ(status_of(client.read_all()), 408);
  RawClient second(server.port());
  second.send(get("/")).read_answer();
  EXPECT_EQ(status_of(second.send("GET").read_all()), 408);
}

TEST(ServerLimits, ClosesSilentConnectionsWithoutAWord) {
  TestServer server(quick());
  EXPECT_EQ(RawClient(server.port()).read_all(), "");
  RawClient client(server.port());
  client.send(get("/")).read_answer();
  EXPECT_EQ(client.read_all(), "");
}

TEST(ServerLimits, EndsSilentBodies) {
  TestServer server(quick());
  RawClient client(server.port());
  client.send(get("/echo", "Content-Length: 10\r\n", "POST") + "abc");
  EXPECT_EQ(status_of(client.read_all()), 408);
  RawClient chunked(server.port());
  chunked.send(get("/echo", "Transfer-Encoding: chunked\r\n", "POST") + "5\r\nab");
  EXPECT_EQ(status_of(chunked.read_all()), 408);
}

TEST(ServerLimits, EndsBodiesThatTrickle) {
  Limits limits;
  limits.body_grace = milliseconds(100);
  TestServer server(limits);
  RawClient client(server.port());
  client.send(get("/echo", "Content-Length: 100\r\n", "POST"));
  // 20 of 100 bytes in 400 ms: neither complete nor silent for body_timeout, so only its pace can
  // end it.
  for (int sent = 0; sent < 20; ++sent) {
    client.send("x");
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_EQ(status_of(client.read_all()), 408);
}

// Sends what the other side takes at once.
std::size_t push(const RawClient& client, std::string_view bytes) {
  const auto n = ::send(client.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

TEST(ServerLimits, BoundsTheMemoryOfBodiesThatStall) {
  const BodyLimits bodies{.max_bytes = 2 << 20,
                          .max_bytes_per_block = 0,
                          .patience = milliseconds(200),
                          .longest_wait = milliseconds(500)};
  TestServer server({}, nullptr, {}, bodies);
  server.service.max_body = 1 << 20;
  const std::string most(900'000, 'x');
  std::vector<std::unique_ptr<RawClient>> stalled;
  std::size_t highest = 0;
  const auto look = [&] {
    highest = std::max(highest, server.bodies->held());
    return highest > 3 * bodies.max_bytes / 4;
  };
  for (int i = 0; i < 40; ++i) {
    stalled.push_back(std::make_unique<RawClient>(server.port()));
    push(*stalled.back(), get("/echo", "Content-Length: 1000000\r\n", "POST") + most);
    look();
  }
  EXPECT_TRUE(eventually(look));
  // Another client does what Retry-After says.
  const std::string request =
      get("/echo", "Content-Length: 200000\r\n", "POST") + most.substr(0, 200'000);
  std::string answer;
  for (int i = 0; i < 20 && body_of(answer).size() != 200'000; ++i) {
    answer = RawClient(server.port()).send(request).read_answer();
    look();
  }
  EXPECT_EQ(body_of(answer).size(), 200'000U);
  EXPECT_EQ(status_of(stalled.front()->read_all()), 503);
  EXPECT_LE(highest, bodies.max_bytes);
  stalled.clear();
  EXPECT_TRUE(eventually([&] { return server.bodies->held() == 0; }));
}

TEST(ServerLimits, GivesBackWhatABodyTook) {
  TestServer server;
  const std::string body(90'000, 'x');
  RawClient client(server.port());
  for (const std::string& framing :
       {std::string("Content-Length: 90000\r\n"), std::string("Transfer-Encoding: chunked\r\n")}) {
    const bool chunked = framing.starts_with('T');
    client.send(get("/echo", framing, "POST") + (chunked ? "15f90\r\n" : "") + body.substr(1));
    EXPECT_TRUE(eventually([&] { return server.bodies->held() >= 89'999; })) << framing;
    EXPECT_LE(server.bodies->held(), 180'000U);
    client.send("x" + std::string(chunked ? "\r\n0\r\n\r\n" : ""));
    EXPECT_EQ(body_of(client.read_answer()).size(), body.size());
    EXPECT_TRUE(eventually([&] { return server.bodies->held() == 0; })) << framing;
  }
}

TEST(ServerLimits, LimitsTheBodiesOfOneAddressBlock) {
  const BodyLimits bodies{.max_bytes = 4 << 20,
                          .max_bytes_per_block = 64 * 1024,
                          .patience = milliseconds(60'000),
                          .longest_wait = milliseconds(50)};
  TestServer server({}, nullptr, {"127.0.0.1"}, bodies);
  const auto ask = [](const std::string& client) {
    return get("/echo", "X-Forwarded-For: " + client + "\r\nContent-Length: 60000\r\n", "POST");
  };
  const std::string body(60'000, 'x');
  RawClient first(server.port());
  first.send(ask("192.0.2.1") + body.substr(1));
  EXPECT_TRUE(eventually([&] { return server.bodies->held() == 60'000; }));
  RawClient second(server.port());
  EXPECT_EQ(status_of(second.send(ask("192.0.2.1") + body).read_all()), 503);
  RawClient other(server.port());
  EXPECT_EQ(status_of(other.send(ask("192.0.2.2") + body).read_answer()), 200);
  EXPECT_EQ(status_of(first.send("x").read_answer()), 200);
}

TEST(ServerLimits, TurnsAwayWhomItHasNoRoomFor) {
  Limits limits;
  limits.max_connections = 2;
  TestServer server(limits);
  RawClient first(server.port());
  RawClient second(server.port());
  first.send(get("/")).read_answer();
  second.send(get("/")).read_answer();
  const std::string answer = RawClient(server.port()).send(get("/")).read_all();
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(body_of(answer), "refused 503");
  EXPECT_EQ(status_of(first.send(get("/")).read_answer()), 200);
  first.shut().read_all();
  EXPECT_TRUE(eventually([&] { return server.listener->connections() == 1; }));
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/")).read_answer()), 200);
}

TEST(ServerLimits, LimitsConnectionsOfOneAddressBlock) {
  Limits limits;
  limits.max_connections_per_block = 1;
  TestServer server(limits);
  RawClient first(server.port());
  first.send(get("/")).read_answer();
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/")).read_all()), 503);
  first.shut().read_all();
  EXPECT_TRUE(eventually([&] { return server.listener->connections() == 0; }));
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/")).read_answer()), 200);
}

TEST(ServerLimits, DoesNotCountTrustedProxiesByBlock) {
  Limits limits;
  limits.max_connections_per_block = 1;
  TestServer server(limits, nullptr, {"127.0.0.1"});
  RawClient first(server.port());
  first.send(get("/")).read_answer();
  EXPECT_EQ(status_of(RawClient(server.port()).send(get("/")).read_answer()), 200);
}

}  // namespace
}  // namespace valetkey::http
