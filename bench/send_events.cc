// SPDX-License-Identifier: Apache-2.0
// Sends events over keep-alive connections from one thread: as fast as they are taken, or RATE
// requests a second, whose duration then counts from when each was due (open loop). Every event has
// a uuid of its own. Prints one line of JSON.
// usage: send_events PORT CONNECTIONS SECONDS [RATE]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <random>
#include <vector>

#include "bare_cipher.h"
#include "sdk_events.h"

namespace valetkey::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

int connect_to(int port) {
  const auto fd =
      static_cast<int>(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  checked(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  const int on = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  return fd;
}

class Load {
 public:
  Load(int port, std::size_t connections, double seconds, double rate)
      : poll_(static_cast<int>(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll"))),
        body_(std::random_device{}() * 0x9e3779b97f4a7c15ull, 100,
              std::chrono::duration_cast<std::chrono::milliseconds>(
                  std::chrono::system_clock::now().time_since_epoch())
                  .count()),
        period_(rate > 0 ? static_cast<std::int64_t>(1e9 / rate) : 0),
        length_(static_cast<std::int64_t>(seconds * 1e9)) {
    head_ = fmt::format(
        "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUser-Agent: bench\r\nContent-Type: "
        "application/json\r\nContent-Length: {}\r\n\r\n",
        port, body_.text().size());
    for (std::size_t i = 0; i < connections; ++i) {
      connections_.push_back({connect_to(port), {}});
      epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
      checked(::epoll_ctl(poll_, EPOLL_CTL_ADD, connections_[i].fd, &event), "epoll_ctl");
      idle_.push_back(i);
    }
  }

  void run() {
    start_ = next_due_ = Clock::now();
    const auto end = start_ + length_;
    // What was sent before the end is waited for; how long that takes counts.
    while (true) {
      const auto now = Clock::now();
      const bool open = now < end;
      if (open) schedule(now);
      if (!open && due_.empty() && idle_.size() == connections_.size()) break;
      while (!due_.empty() && !idle_.empty()) {
        send(idle_.back(), due_.front());
        idle_.pop_back();
        due_.pop_front();
      }
      wait(open, end);
    }
    took_ = Clock::now() - start_;
  }

  void print() {
    std::ranges::sort(durations_);
    const auto at = [&](double share) {
      if (durations_.empty()) return 0.0;
      return static_cast<double>(durations_[static_cast<std::size_t>(
                 share * static_cast<double>(durations_.size() - 1))]) /
             1e6;
    };
    fmt::print(
        R"({{"requests":{},"events":{},"seconds":{:.6f},"errors":{},"p50_ms":{:.4f},"p99_ms":{:.4f},"max_ms":{:.4f}}})"
        "\n",
        durations_.size(), durations_.size() * SdkBody::kEvents,
        std::chrono::duration<double>(took_).count(), errors_, at(0.5), at(0.99), at(1));
  }

 private:
  struct Connection {
    int fd;
    Clock::time_point since;
  };

  void schedule(Clock::time_point now) {
    if (period_.count() == 0) {
      while (due_.size() < idle_.size()) due_.push_back(now);
    } else {
      for (; next_due_ <= now; next_due_ += period_) due_.push_back(next_due_);
    }
  }

  void send(std::size_t number, Clock::time_point since) {
    auto& connection = connections_[number];
    connection.since = period_.count() == 0 ? Clock::now() : since;
    request_.assign(head_).append(body_.fill(next_event_));
    next_event_ += SdkBody::kEvents;
    write_all(connection.fd, reinterpret_cast<const unsigned char*>(request_.data()),
              request_.size());
  }

  void wait(bool open, Clock::time_point end) {
    const auto until = period_.count() == 0 || !open ? Clock::now() + std::chrono::seconds(10)
                                                     : std::min(next_due_, end);
    const auto left = std::max<nanoseconds>(until - Clock::now(), nanoseconds(0));
    const timespec timeout{.tv_sec = left.count() / 1'000'000'000,
                           .tv_nsec = left.count() % 1'000'000'000};
    std::array<epoll_event, 64> events{};
    const auto count = checked(
        ::epoll_pwait2(poll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr),
        "epoll_wait");
    if (count == 0 && (period_.count() == 0 || !open)) die("no answer within 10 s");
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
      receive(static_cast<std::size_t>(events[i].data.u64));
  }

  // The answer to a request is small: it comes whole.
  void receive(std::size_t number) {
    std::array<char, 4096> answer{};
    auto& connection = connections_[number];
    const auto n = static_cast<std::size_t>(
        checked(::recv(connection.fd, answer.data(), answer.size(), 0), "recv"));
    const std::string_view text(answer.data(), n);
    if (!text.ends_with("\r\n\r\n")) {
      if (errors_ == 0) fmt::print(stderr, "{}\n", text);
      ++errors_;
      if (n == 0) die("closed");
    } else if (!text.starts_with("HTTP/1.1 204")) {
      ++errors_;
    }
    durations_.push_back((Clock::now() - connection.since).count());
    idle_.push_back(number);
  }

  int poll_;
  SdkBody body_;
  nanoseconds period_;
  nanoseconds length_;
  std::string head_, request_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::deque<Clock::time_point> due_;
  Clock::time_point start_, next_due_;
  Clock::duration took_{};
  std::uint64_t next_event_ = 0;
  std::vector<std::int64_t> durations_;
  std::uint64_t errors_ = 0;
};

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey::bench;
  if (argc < 4) {
    std::fputs("usage: send_events PORT CONNECTIONS SECONDS [RATE]\n", stderr);
    return 2;
  }
  Load load(std::atoi(argv[1]), std::strtoul(argv[2], nullptr, 10), std::atof(argv[3]),
            argc > 4 ? std::atof(argv[4]) : 0);
  load.run();
  load.print();
}
