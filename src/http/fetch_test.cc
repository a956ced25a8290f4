// SPDX-License-Identifier: Apache-2.0
#include "http/fetch.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <thread>

#include "base/file.h"

namespace valetkey::http {
namespace {

// Serves one connection after the other: each gets `pieces`, with a pause before each but the first.
class DrippingServer {
 public:
  DrippingServer(std::vector<std::string> pieces, milliseconds pause)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(socket_.get(), generic, size), 0);
    EXPECT_EQ(::listen(socket_.get(), 8), 0);
    EXPECT_EQ(::getsockname(socket_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, pieces, pause] { serve(pieces, pause); });
  }
  ~DrippingServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  ClientRequest request() const {
    ClientRequest request;
    request.url = Url::parse("http://127.0.0.1:" + std::to_string(port_) + "/").value();
    return request;
  }
  int connections() const { return connections_; }

 private:
  void serve(const std::vector<std::string>& pieces, milliseconds pause) {
    while (true) {
      const FileDescriptor peer(::accept(socket_.get(), nullptr, nullptr));
      if (!peer) return;
      ++connections_;
      std::array<char, 4096> asked{};
      while (::recv(peer.get(), asked.data(), asked.size(), 0) > 0) {
        for (const std::string& piece : pieces) {
          if (&piece != &pieces.front()) std::this_thread::sleep_for(pause);
          if (::send(peer.get(), piece.data(), piece.size(), MSG_NOSIGNAL) < 0) break;
        }
      }
    }
  }

  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

TEST(Fetch, KeepsItsConnectionBetweenCalls) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"}, {});
  const auto fetcher = make_fetcher();
  for (int i = 0; i < 3; ++i) {
    const auto answer = fetcher->fetch(server.request());
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "hi");
  }
  EXPECT_EQ(server.connections(), 1);
}

TEST(Fetch, GivesUpAnAnswerThatDrips) {
  std::vector<std::string> pieces{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"};
  pieces.resize(40, "x");
  const DrippingServer server(pieces, milliseconds(50));
  const auto fetcher = make_fetcher({.whole = milliseconds(300)});
  const auto began = std::chrono::steady_clock::now();
  const auto answer = fetcher->fetch(server.request());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(answer.error().detail.ends_with("no whole answer in time")) << answer.error().detail;
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(2));
}

TEST(Fetch, RefusesABodyWithoutEnd) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"}, {});
  const auto answer = make_fetcher()->fetch(server.request());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace valetkey::http
