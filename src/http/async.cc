// SPDX-License-Identifier: Apache-2.0
#include "http/async.h"

#include <algorithm>

namespace valetkey::http {

Runtime::Runtime(unsigned loops, unsigned blocking_threads)
    : blocking_(std::max(blocking_threads, 1U)) {
  for (unsigned i = 0; i < std::max(loops, 1U); ++i) {
    // 1: one thread runs it, so what it posts to itself needs no wake-up.
    loops_.push_back(std::make_unique<asio::io_context>(1));
    guards_.emplace_back(loops_.back()->get_executor());
  }
}

Runtime::~Runtime() {
  stop();
  blocking_.stop();
  blocking_.join();
}

void Runtime::start() {
  if (running_.exchange(true)) return;
  for (auto& loop : loops_) {
    loop->restart();
    threads_.emplace_back([&context = *loop] { context.run(); });
  }
}

void Runtime::stop() {
  for (auto& loop : loops_) loop->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  running_ = false;
}

}  // namespace valetkey::http
