// SPDX-License-Identifier: Apache-2.0
#include "api/turns.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <chrono>

namespace valetkey::api {
namespace {

using Clock = std::chrono::steady_clock;
using Timer =
    http::asio::basic_waitable_timer<Clock, http::asio::wait_traits<Clock>, http::Executor>;

constexpr auto kPause = std::chrono::milliseconds(5);
constexpr int kTries = 1000;  // 5 s

}  // namespace

Turns::Turn::~Turn() {
  if (running_ != nullptr) running_->fetch_sub(1, std::memory_order_relaxed);
}

bool Turns::take(Turn& turn) {
  if (running_.fetch_add(1, std::memory_order_relaxed) >= at_once_) {
    running_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  turn.running_ = &running_;
  return true;
}

// Waiting is polled: the work takes microseconds as a rule, so that a turn is rarely missed even
// once, and no list of waiters has to be shared between threads.
http::Task<bool> Turns::wait(Turn& turn) {
  for (int i = 0; i < kTries; ++i) {
    if (take(turn)) co_return true;
    Timer timer(co_await http::asio::this_coro::executor, kPause);
    co_await timer.async_wait(http::use_task);
  }
  co_return false;
}

}  // namespace valetkey::api
