// SPDX-License-Identifier: Apache-2.0
// Coroutines with a concrete executor (any_io_executor costs a third more CPU per request), the
// threads that run them, and the one way from a coroutine to blocking work.
#pragma once

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
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
  ~Runtime();  // stop() and join; blocking work that runs is waited for, what is queued is dropped
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  void start();
  // Returns when no loop runs any more. Never call it from a loop. start() may follow.
  void stop();
  bool running() const { return running_; }
  std::size_t loops() const { return loops_.size(); }
  asio::io_context& loop(std::size_t i) { return *loops_[i]; }
  asio::thread_pool& blocking() { return blocking_; }

 private:
  std::vector<std::unique_ptr<asio::io_context>> loops_;
  std::vector<asio::executor_work_guard<Executor>> guards_;
  std::vector<std::thread> threads_;
  std::atomic<bool> running_ = false;
  asio::thread_pool blocking_;  // destroyed first: its work may still wake a loop
};

// Runs `work` on the pool and resumes the calling coroutine on its own loop with what it returned.
// `work` must not throw and must not return void. Everything it refers to must outlive it: pass
// values.
template <class Work>
Task<std::invoke_result_t<Work>> run_blocking(asio::thread_pool& pool, Work work) {
  using Value = std::invoke_result_t<Work>;
  auto initiate = [](auto handler, asio::thread_pool* on, Work todo) {
    auto loop = asio::make_work_guard(asio::get_associated_executor(handler));
    asio::post(*on, [handler = std::move(handler), todo = std::optional<Work>(std::move(todo)),
                     loop = std::move(loop)]() mutable {
      Value value = (*todo)();
      todo.reset();  // before the coroutine goes on, so that nothing of it lingers on this thread
      asio::post(loop.get_executor(),
                 [handler = std::move(handler), value = std::move(value)]() mutable {
                   std::move(handler)(std::move(value));
                 });
    });
  };
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Value)>(
      std::move(initiate), use_task, &pool, std::move(work));
}

}  // namespace valetkey::http
