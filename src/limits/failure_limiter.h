// SPDX-License-Identifier: Apache-2.0
// How often an address block may fail to authenticate. It is asked about failures only, so that it
// can never stand in the way of a valid token. Thread-safe and lock-free: a table of fixed size
// whose cells are one atomic word each; a full set forgets its least guilty block, strangers cannot
// make it grow.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/timestamp.h"

namespace valetkey::limits {

struct LimiterOptions {
  unsigned burst = 10;           // failures at once; 0: no limit
  milliseconds interval{6'000};  // one more failure is forgiven every so often
  std::size_t blocks = 16'384;   // remembered at once (8 bytes each)
};

class FailureLimiter {
 public:
  explicit FailureLimiter(LimiterOptions options);
  // Counts a failure of this block. 0: within the limit; else how long until the next one would be.
  milliseconds failed(const Address& block, Timestamp now);
  // Whether the next failure would be over the limit; counts nothing.
  bool is_over(const Address& block, Timestamp now) const;

 private:
  struct Place {
    std::size_t set;
    std::uint64_t tag;
  };
  Place place_of(const Address& block) const;
  std::uint64_t due_of(std::uint64_t cell, std::uint64_t now) const;
  std::size_t choose(const Place& place, std::uint64_t now) const;
  std::uint64_t ticks(Timestamp now) const;

  LimiterOptions options_;
  std::uint64_t tolerance_;  // (burst - 1) * interval
  std::string seed_;         // of the hash, so that nobody can aim at a set
  std::size_t sets_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> cells_;
};

}  // namespace valetkey::limits
