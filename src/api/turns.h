// SPDX-License-Identifier: Apache-2.0
// How much of one kind of work runs at once, so that strangers cannot fill the blocking pool with
// it. Thread-safe.
#pragma once

#include <atomic>

#include "http/async.h"

namespace valetkey::api {

class Turns {
 public:
  explicit Turns(int at_once) : at_once_(at_once) {}

  // One piece of work, for as long as it lives.
  class Turn {
   public:
    Turn() = default;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

   private:
    friend class Turns;
    std::atomic<int>* running_ = nullptr;
  };

  // Takes `turn` as soon as one is free; false after 5 s without.
  http::Task<bool> wait(Turn& turn);

 private:
  bool take(Turn& turn);

  const int at_once_;
  std::atomic<int> running_ = 0;
};

}  // namespace valetkey::api
