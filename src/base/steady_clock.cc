// SPDX-License-Identifier: Apache-2.0
#include "base/steady_clock.h"

namespace valetkey {

const SteadyClock& SteadyClock::system() {
  static const struct final : SteadyClock {
    Instant now() const override { return std::chrono::steady_clock::now(); }
  } clock;
  return clock;
}

}  // namespace valetkey
