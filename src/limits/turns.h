// SPDX-License-Identifier: Apache-2.0
// How much of one kind of work runs at once, so that strangers cannot fill a pool of threads with
// it. Thread-safe; never blocks.
#pragma once

#include <atomic>

namespace valetkey::limits {

class Turns {
 public:
  explicit Turns(int at_once) : at_once_(at_once) {}

  // One piece of work, for as long as it lives.
  class Turn {
   public:
    Turn() = default;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (running_ != nullptr) running_->fetch_sub(1, std::memory_order_relaxed);
    }

   private:
    friend class Turns;
    std::atomic<int>* running_ = nullptr;
  };

  // Takes `turn` if one is free.
  bool take(Turn& turn) {
    if (running_.fetch_add(1, std::memory_order_relaxed) >= at_once_) {
      running_.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    turn.running_ = &running_;
    return true;
  }

 private:
  const int at_once_;
  std::atomic<int> running_ = 0;
};

}  // namespace valetkey::limits
