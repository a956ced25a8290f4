// SPDX-License-Identifier: Apache-2.0
// Counts the calls of several seams together and lets them fail: one, or all from one on, as when the process dies.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/result.h"

namespace valetkey {

class FaultyCalls {
 public:
  // Call number `call` from now fails, the first being 1; 0: none.
  void fail_call(std::uint64_t call) { fail_calls(call, call); }
  // So do all that follow: nothing happens any more, as after a kill.
  void fail_from(std::uint64_t call) {
    fail_calls(call, std::numeric_limits<std::uint64_t>::max());
  }
  std::uint64_t calls() const { return calls_; }
  Result<void> count() {
    const auto call = ++calls_;
    if (first_ != 0 && call >= first_ && call <= last_) return fail(ErrorCode::io, "made to fail");
    return {};
  }

 private:
  void fail_calls(std::uint64_t first, std::uint64_t last) {
    first_ = first;
    last_ = last;
    calls_ = 0;
  }
  std::atomic<std::uint64_t> calls_{0}, first_{0}, last_{0};
};

}  // namespace valetkey
