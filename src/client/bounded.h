// SPDX-License-Identifier: Apache-2.0
// Many tasks of one loop, a few at a time.
#pragma once

#include <functional>

#include "base/result.h"
#include "http/async.h"

namespace valetkey::client {

// Runs task(0) to task(count - 1), begun in that order, at most `limit` at once. After the first
// error, which it returns, no more are begun; it always waits for those that run.
http::Task<Result<void>> run_bounded(http::asio::io_context& loop, std::size_t count,
                                     std::size_t limit,
                                     std::function<http::Task<Result<void>>(std::size_t)> task);

}  // namespace valetkey::client
