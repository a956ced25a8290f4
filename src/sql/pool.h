// SPDX-License-Identifier: Apache-2.0
// Connections to one database, for as many threads as need one. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "sql/database.h"

namespace valetkey::sql {

template <class Connection>
class Pool {
 public:
  using Connect = std::function<Result<std::unique_ptr<Connection>>()>;

  // A connection on loan; goes back when it is destroyed.
  class Lease {
   public:
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (pool_ != nullptr) pool_->put_back(std::move(connection_));
    }
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    friend class Pool;
    Lease(Pool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  // At most `most` at a time; a thread that finds none free waits so long, and then gets `busy`.
  explicit Pool(Connect connect, std::size_t most = std::numeric_limits<std::size_t>::max(),
                std::chrono::milliseconds longest_wait = std::chrono::seconds(10))
      : connect_(std::move(connect)), most_(most), longest_wait_(longest_wait) {}

  Result<Lease> take() {
    std::unique_lock lock(mutex_);
    if (!freed_.wait_for(lock, longest_wait_, [&] { return !idle_.empty() || lent_ < most_; }))
      return fail(ErrorCode::busy, "all " + std::to_string(most_) +
                                       " connections to the database are in use; try again");
    ++lent_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(connection));
    }
    lock.unlock();
    auto made = connect_();
    if (made) return Lease(*this, std::move(*made));
    put_back(nullptr);
    return std::unexpected(std::move(made).error());
  }
  void close_idle() {
    const std::lock_guard lock(mutex_);
    idle_.clear();
  }

 private:
  // A connection that is lost or stuck in a transaction is closed, which rolls back; of a lost one, the idle ones are
  // as old, and go with it.
  void put_back(std::unique_ptr<Connection> connection) {
    std::vector<std::unique_ptr<Connection>> gone;
    {
      const std::lock_guard lock(mutex_);
      --lent_;
      if (connection && !connection->usable()) gone.swap(idle_);
      if (connection && connection->usable() && !connection->in_transaction())
        idle_.push_back(std::move(connection));
    }
    freed_.notify_one();
  }

  Connect connect_;
  const std::size_t most_;
  const std::chrono::milliseconds longest_wait_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::size_t lent_ = 0;
  std::vector<std::unique_ptr<Connection>> idle_;
};

// `work` on one of its connections; once more on another one if that was lost and nothing can have happened.
template <class Connection, class Work>
auto with_connection(Pool<Connection>& pool, Work&& work)
    -> decltype(work(std::declval<Connection&>())) {
  for (bool again : {true, false}) {
    VALETKEY_TRY(const auto connection, pool.take());
    auto result = work(*connection);
    if (result || !again || connection->usable() || !connection->may_repeat()) return result;
  }
  std::unreachable();
}

// The same in a transaction.
template <class Connection, class Work>
auto write(Pool<Connection>& pool, Work&& work) -> decltype(work(std::declval<Connection&>())) {
  return with_connection(pool, [&](Connection& connection) {
    return write(static_cast<Database&>(connection), [&] { return work(connection); });
  });
}

}  // namespace valetkey::sql
