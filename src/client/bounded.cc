// SPDX-License-Identifier: Apache-2.0
#include "client/bounded.h"

#include <boost/asio/co_spawn.hpp>

#include "client/pause.h"

namespace valetkey::client {
namespace {

struct Run {
  std::function<http::Task<Result<void>>(std::size_t)> task;
  const std::size_t count;
  std::size_t next = 0, working = 0;
  Result<void> result;
};

http::Task<void> work(Run& run) {
  while (run.result && run.next < run.count) {
    auto done = co_await run.task(run.next++);
    if (!done && run.result) run.result = std::move(done);
  }
}

}  // namespace

http::Task<Result<void>> run_bounded(http::asio::io_context& loop, std::size_t count,
                                     std::size_t limit,
                                     std::function<http::Task<Result<void>>(std::size_t)> task) {
  Run run{std::move(task), count, 0, 0, {}};
  Timer ended(loop, Timer::time_point::max());
  for (std::size_t i = 0; i < std::min(limit, count); ++i) {
    ++run.working;
    http::asio::co_spawn(loop, work(run), [&run, &ended](const std::exception_ptr& broken) {
      if (broken && run.result) run.result = fail(ErrorCode::internal, "a task ended unexpectedly");
      if (--run.working == 0) ended.cancel();
    });
  }
  while (run.working > 0) co_await ended.async_wait(http::asio::as_tuple(http::asio::deferred));
  co_return run.result;
}

}  // namespace valetkey::client
