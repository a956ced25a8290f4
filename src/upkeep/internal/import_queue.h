// SPDX-License-Identifier: Apache-2.0
// Hands keys from the walk to the workers; bounded, so that the walk waits for them. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

namespace valetkey::upkeep {

class ImportQueue {
 public:
  // Waits for room. False: the queue was closed.
  bool push(std::string key) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || keys_.size() < kMaxKeys; });
    if (closed_) return false;
    keys_.push_back(std::move(key));
    changed_.notify_all();
    return true;
  }
  // Waits for a key. nullopt: closed, and none is left.
  std::optional<std::string> pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !keys_.empty(); });
    if (keys_.empty()) return std::nullopt;
    std::string key = std::move(keys_.front());
    keys_.pop_front();
    changed_.notify_all();
    return key;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  static constexpr std::size_t kMaxKeys = 1024;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::string> keys_;
  bool closed_ = false;
};

}  // namespace valetkey::upkeep
