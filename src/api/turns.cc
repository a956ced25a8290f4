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

// Waiting is polled: the work takes microseconds as a rule, so that a turn is rarely missed even
// once, and no list of waiters has to be shared between threads.
http::Task<bool> wait_for(Turns& turns, Turns::Turn& turn) {
  for (int i = 0; i < kTries; ++i) {
    if (turns.take(turn)) co_return true;
    Timer timer(co_await http::asio::this_coro::executor, kPause);
    co_await timer.async_wait(http::use_task);
  }
  co_return false;
}

}  // namespace valetkey::api
