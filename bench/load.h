// SPDX-License-Identifier: Apache-2.0
// Requests over keep-alive connections of loopback, from one thread: as fast as they are answered,
// or at a rate, whose durations then count from when each was due (open loop). What fails ends the
// program.
#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bare_cipher.h"

namespace valetkey::bench {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

inline int connect_to(int port) {
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

// `next_request` fills in the next request to send, `judge` looks at what has come of an answer.
class Load {
 public:
  enum class Answer : std::uint8_t { unfinished, good, bad };
  using NextRequest = std::function<void(std::string&)>;
  using Judge = std::function<Answer(std::string_view)>;

  // `rate`: requests a second, whose durations then count from when each was due; 0: as fast as
  // they are answered.
  Load(int port, std::size_t connections, double seconds, double rate, NextRequest next_request,
       Judge judge)
      : poll_(static_cast<int>(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll"))),
        next_request_(std::move(next_request)),
        judge_(std::move(judge)),
        period_(rate > 0 ? static_cast<std::int64_t>(1e9 / rate) : 0),
        length_(static_cast<std::int64_t>(seconds * 1e9)) {
    for (std::size_t i = 0; i < connections; ++i) {
      connections_.push_back({connect_to(port), {}, {}});
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

  // One line of JSON.
  void print(std::size_t events_per_request = 1) {
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
        durations_.size(), durations_.size() * events_per_request,
        std::chrono::duration<double>(took_).count(), errors_, at(0.5), at(0.99), at(1));
  }

 private:
  struct Connection {
    int fd;
    Clock::time_point since;
    std::string answer;
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
    next_request_(request_);
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

  void receive(std::size_t number) {
    std::array<char, 16384> bytes{};
    auto& connection = connections_[number];
    const auto n = static_cast<std::size_t>(
        checked(::recv(connection.fd, bytes.data(), bytes.size(), 0), "recv"));
    if (n == 0) die("closed");
    connection.answer.append(bytes.data(), n);
    const auto answer = judge_(connection.answer);
    if (answer == Answer::unfinished) return;
    if (answer == Answer::bad && errors_++ == 0) fmt::print(stderr, "{}\n", connection.answer);
    connection.answer.clear();
    durations_.push_back((Clock::now() - connection.since).count());
    idle_.push_back(number);
  }

  int poll_;
  NextRequest next_request_;
  Judge judge_;
  nanoseconds period_;
  nanoseconds length_;
  std::string request_;
  std::vector<Connection> connections_;
  std::vector<std::size_t> idle_;
  std::deque<Clock::time_point> due_;
  Clock::time_point start_, next_due_;
  Clock::duration took_{};
  std::vector<std::int64_t> durations_;
  std::uint64_t errors_ = 0;
};

}  // namespace valetkey::bench
