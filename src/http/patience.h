// SPDX-License-Identifier: Apache-2.0
// Waiting, on the loop and so without a thread, for what is busy at the moment.
#pragma once

#include <chrono>

#include "http/async.h"

namespace valetkey::http {

class Patience {
 public:
  // Returns when it is time to try again, later each time; false: 5 s are over since the first try.
  Task<bool> wait();

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_ = Clock::now() + std::chrono::seconds(5);
  std::chrono::milliseconds pause_{5};
};

}  // namespace valetkey::http
