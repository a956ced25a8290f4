// SPDX-License-Identifier: Apache-2.0
// A number of its own for every object that keeps caches per thread. An address will not do: a
// later object may get it, and would find the caches of an earlier one. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>

namespace valetkey::access {

inline std::uint64_t next_instance() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace valetkey::access
