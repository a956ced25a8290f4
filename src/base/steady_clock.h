// SPDX-License-Identifier: Apache-2.0
// The test seam for time-outs, as Clock is the one for time. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>

namespace valetkey {

class SteadyClock {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  virtual ~SteadyClock() = default;
  virtual Instant now() const = 0;
  static const SteadyClock& system();
};

// Stands still until it is advanced.
class ManualSteadyClock final : public SteadyClock {
 public:
  Instant now() const override {
    return Instant(std::chrono::milliseconds(std::chrono::hours(1)) +
                   std::chrono::milliseconds(ms_.load()));
  }
  void advance(std::chrono::milliseconds d) { ms_ += d.count(); }

 private:
  std::atomic<std::int64_t> ms_{0};
};

}  // namespace valetkey
