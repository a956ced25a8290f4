// SPDX-License-Identifier: Apache-2.0
// The test seam for time. Thread-safe. Pass Timestamp values down; only the edges hold a Clock.
#pragma once

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

}  // namespace valetkey
