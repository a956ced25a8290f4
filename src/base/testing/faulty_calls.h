// SPDX-License-Identifier: Apache-2.0
// Counts the calls of several seams together and lets them fail: one, or all from one on, as when the process dies.
// Thread-safe, but what fails is chosen while nobody calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

#include "base/result.h"

namespace valetkey {

class FaultyCalls {
 public:
  // Call number `call` from now fails with `error`, the first being 1; 0: none.
  void fail_call(std::uint64_t call, Error error = {ErrorCode::io, "made to fail"}) {
    fail_calls(call, call, std::move(error));
  }
  // So do all that follow: nothing happens any more, as after a kill.
  void fail_from(std::uint64_t call, Error error = {ErrorCode::io, "made to fail"}) {
    fail_calls(call, std::numeric_limits<std::uint64_t>::max(), std::move(error));
  }
  std::uint64_t calls() const { return calls_; }
  Result<void> count() {
    const auto call = ++calls_;
    if (first_ != 0 && call >= first_ && call <= last_) return std::unexpected(error_);
    return {};
  }

 private:
  void fail_calls(std::uint64_t first, std::uint64_t last, Error error) {
    error_ = std::move(error);
    first_ = first;
    last_ = last;
    calls_ = 0;
  }
  Error error_;
  std::atomic<std::uint64_t> calls_{0}, first_{0}, last_{0};
};

}  // namespace valetkey
