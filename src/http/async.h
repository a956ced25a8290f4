// SPDX-License-Identifier: Apache-2.0
// Coroutines with a concrete executor (any_io_executor costs a third more CPU per request), the threads
// that run them, and the one way from a coroutine to blocking work.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace valetkey::http {

namespace asio = boost::asio;
using Executor = asio::io_context::executor_type;
template <class T>
using Task = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> use_task{};

// One io_context per thread, and a pool for what blocks. A coroutine stays on its thread for life.
class Runtime {
 public:
  explicit Runtime(unsigned loops, unsigned blocking_threads);
  ~Runtime();  // stop() and join
  void start();
  void stop();
  std::size_t loops() const { return loops_.size(); }
  asio::io_context& loop(std::size_t i) { return *loops_[i]; }
  asio::thread_pool& blocking() { return blocking_; }

 private:
  std::vector<std::unique_ptr<asio::io_context>> loops_;
  std::vector<asio::executor_work_guard<Executor>> guards_;
  std::vector<std::thread> threads_;
  asio::thread_pool blocking_;
};

// Runs `work` on the pool and resumes the calling coroutine on its own loop with what it returned.
// `work` must not throw. Everything it refers to must outlive it: pass values.
template <class Work>
Task<std::invoke_result_t<Work>> run_blocking(asio::thread_pool& pool, Work work);

}  // namespace valetkey::http

#include "http/async_inl.h"
