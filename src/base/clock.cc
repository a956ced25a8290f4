// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

namespace valetkey {

Timestamp SystemClock::now() const {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

}  // namespace valetkey
