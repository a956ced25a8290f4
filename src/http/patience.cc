// SPDX-License-Identifier: Apache-2.0
#include "http/patience.h"

#include <algorithm>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace valetkey::http {
namespace {

constexpr std::chrono::milliseconds kLongestPause{320};

}  // namespace

Task<bool> Patience::wait() {
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  if (Clock::now() >= end_) co_return false;
  Timer timer(co_await asio::this_coro::executor, pause_);
  pause_ = std::min(2 * pause_, kLongestPause);
  co_await timer.async_wait(use_task);
  co_return true;
}

}  // namespace valetkey::http
