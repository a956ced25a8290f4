// SPDX-License-Identifier: Apache-2.0
// The test seam for time-outs, as Clock is the one for time. Thread-safe.
#pragma once

#include <chrono>

namespace valetkey {

class SteadyClock {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  virtual ~SteadyClock() = default;
  virtual Instant now() const = 0;
  static const SteadyClock& system();
};

}  // namespace valetkey
