// SPDX-License-Identifier: Apache-2.0
// For tests: clocks that stand still until the test moves them. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "base/steady_clock.h"

namespace valetkey {

// May go backwards.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : ms_(start.time_since_epoch().count()) {}
  Timestamp now() const override { return Timestamp(std::chrono::milliseconds(ms_.load())); }
  void set(Timestamp t) { ms_ = t.time_since_epoch().count(); }
  void advance(std::chrono::milliseconds d) { ms_ += d.count(); }

 private:
  std::atomic<std::int64_t> ms_;
};

class ManualSteadyClock final : public SteadyClock {
 public:
  Instant now() const override {
    return Instant(std::chrono::hours(1) + std::chrono::milliseconds(ms_.load()));
  }
  void advance(std::chrono::milliseconds d) { ms_ += d.count(); }

 private:
  std::atomic<std::int64_t> ms_{0};
};

}  // namespace valetkey
