// SPDX-License-Identifier: Apache-2.0
// Waiting between attempts: exponential, with full jitter, so that clients that failed together do
// not come back together.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/deferred.hpp>
#include <chrono>

#include "base/timestamp.h"
#include "http/async.h"

namespace valetkey::client {

using Timer = http::asio::basic_waitable_timer<
    std::chrono::steady_clock, http::asio::wait_traits<std::chrono::steady_clock>, http::Executor>;

// Random, from half of min(longest, first * 2^attempt) to all of it.
milliseconds backoff(unsigned attempt, milliseconds first, milliseconds longest);
// Random, from 0 to `most`.
milliseconds jitter(milliseconds most);

inline http::Task<void> pause(http::asio::io_context& loop, milliseconds length) {
  Timer timer(loop, length);
  co_await timer.async_wait(http::asio::as_tuple(http::asio::deferred));
}

}  // namespace valetkey::client
