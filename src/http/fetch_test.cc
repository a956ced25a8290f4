// SPDX-License-Identifier: Apache-2.0
#include "http/fetch.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
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
  // Whether so many pieces, over all connections, are sent within a limit.
  bool sends(int pieces) const {
    for (int left = 2'000; sent_ < pieces && left > 0; --left)
      std::this_thread::sleep_for(milliseconds(5));
    return sent_ >= pieces;
  }

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
          ++sent_;
        }
      }
    }
  }

  FileDescriptor socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0, sent_ = 0;
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

// Reads a download to its end, in pieces of at most `most`.
Result<std::string> all_of(Download& download, std::size_t most) {
  std::string whole, piece(most, '\0');
  while (true) {
    VALETKEY_TRY(const std::size_t got, download.read(piece));
    if (got == 0) return whole;
    whole.append(piece, 0, got);
  }
}

TEST(Fetch, GivesALargeBodyAsItComes) {
  const std::string content(300'000, 'x');
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 300003\r\n\r\nab",
                               content.substr(0, 100'000), content.substr(100'000), "c"},
                              milliseconds(5));
  const auto fetcher = make_fetcher({.body_bytes = 1000});
  for (int i = 0; i < 2; ++i) {
    const auto download = fetcher->open(server.request());
    ASSERT_TRUE(download) << download.error().detail;
    EXPECT_EQ((*download)->announced(), 300'003u);
    const auto read = all_of(**download, 70'000);
    ASSERT_TRUE(read) << read.error().detail;
    EXPECT_TRUE(*read == "ab" + content + "c");
  }
  EXPECT_EQ(server.connections(), 1) << "what was read to its end keeps its connection";
}

TEST(Fetch, GivesABodyInChunksAsItComes) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
                               "4\r\nde", "fg\r\n0\r\n\r\n"},
                              milliseconds(5));
  const auto fetcher = make_fetcher();
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  EXPECT_EQ(all_of(**download, 64).value_or("failed"), "abcdefg");
}

TEST(Fetch, HasTheBodyOfARefusalWhole) {
  const DrippingServer server({"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\n<Er", "ro>"},
                              milliseconds(5));
  const auto fetcher = make_fetcher();
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  EXPECT_EQ((*download)->response().status, 404);
  EXPECT_EQ((*download)->response().body, "<Erro>");
}

TEST(Fetch, EndsTheConnectionOfADownloadThatIsGivenUp) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "cdefghi"},
                              milliseconds(20));
  const auto fetcher = make_fetcher();
  for (int i = 0; i < 2; ++i) {
    const auto download = fetcher->open(server.request());
    ASSERT_TRUE(download) << download.error().detail;
    std::array<char, 2> first{};
    EXPECT_EQ((*download)->read(first).value_or(0), 2u);
  }
  EXPECT_EQ(server.connections(), 2);
}

TEST(Fetch, TellsWhenADownloadEndsTooEarlyOrStops) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "c"},
                              milliseconds(900));
  const auto fetcher = make_fetcher({.silence = milliseconds(300)});
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  const auto read = all_of(**download, 64);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(read.error().detail.ends_with("no answer in time")) << read.error().detail;
}

// A read waits for more than what has come, but no longer than for the next byte.
TEST(Fetch, TakesTheLittleThatHasComeInTime) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "c", "defghi"},
                              milliseconds(800));
  const auto fetcher = make_fetcher({.silence = milliseconds(1000)});
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  std::array<char, 64> piece{};
  EXPECT_EQ((*download)->read(piece).value_or(0), 2u);
  EXPECT_EQ((*download)->read(piece).value_or(0), 1u);
  EXPECT_EQ(all_of(**download, 64).value_or("failed"), "defghi");
}

TEST(Fetch, GivesWithoutAWaitWhatHasCome) {
  const std::string end(100'000, 'e');
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 100003\r\n\r\nab", "c" + end},
                              milliseconds(200));
  const auto fetcher = make_fetcher();
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  std::string piece(200'000, '\0'), whole;
  EXPECT_EQ((*download)->read_now(piece), 0u) << "what came with the head is for read()";
  EXPECT_EQ((*download)->read(piece).value_or(0), 2u);
  EXPECT_EQ((*download)->read_now(piece), 0u) << "nothing has come";
  const auto until = std::chrono::steady_clock::now() + seconds(20);
  while (whole.size() < 100'001 && std::chrono::steady_clock::now() < until)
    whole.append(piece, 0, (*download)->read_now(piece));
  EXPECT_TRUE(whole == "c" + end);
  EXPECT_EQ((*download)->read_now(piece), 0u);
  EXPECT_EQ((*download)->read(piece).value_or(1), 0u) << "its end";
}

TEST(Fetch, SaysAtTheNextReadWhatIsWrongWithWhatHasCome) {
  const DrippingServer server(
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "no chunk\r\n"},
      milliseconds(100));
  const auto fetcher = make_fetcher();
  const auto download = fetcher->open(server.request());
  ASSERT_TRUE(download) << download.error().detail;
  std::array<char, 64> piece{};
  EXPECT_EQ((*download)->read(piece).value_or(0), 3u);
  ASSERT_TRUE(server.sends(2));
  EXPECT_EQ((*download)->read_now(piece), 0u);
  const auto next = (*download)->read(piece);
  ASSERT_FALSE(next);
  EXPECT_TRUE(next.error().detail.contains("a broken answer")) << next.error().detail;
}

// A time-out of all of it takes the line along; further reads say the same.
TEST(Fetch, GivesUpADownloadThatStops) {
  const DrippingServer server({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", "c"},
                              milliseconds(900));
  const auto whole = make_fetcher({.silence = seconds(5), .whole = milliseconds(300)});
  const auto slow = whole->open(server.request());
  ASSERT_TRUE(slow) << slow.error().detail;
  EXPECT_FALSE(all_of(**slow, 64));
  EXPECT_FALSE(all_of(**slow, 64));
  EXPECT_EQ((*slow)->announced(), 9u);
}

}  // namespace
}  // namespace valetkey::http
