// SPDX-License-Identifier: Apache-2.0
// The test seam for time. Thread-safe. Pass Timestamp values down; only the edges hold a Clock.
#pragma once

#include <atomic>

#include "base/timestamp.h"

namespace valetkey {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp now() const override;
};

// Stands still until it is set or advanced; may go backwards.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start) : ms_(start.time_since_epoch().count()) {}
  Timestamp now() const override { return Timestamp(std::chrono::milliseconds(ms_.load())); }
  void set(Timestamp t) { ms_ = t.time_since_epoch().count(); }
  void advance(std::chrono::milliseconds d) { ms_ += d.count(); }

 private:
  std::atomic<std::int64_t> ms_;
};

}  // namespace valetkey
