// SPDX-License-Identifier: Apache-2.0
// How many events a second, and how many bytes a day, an account may send.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/timestamp.h"

namespace valetkey::limits {

// How much one account has sent to this process. Lock-free; shared by all loops. Several processes
// do not share it, so an account may get a multiple of its limits then; a restart forgets it.
class EventMeter {
 public:
  // Counts `events` if less than a second's worth of `per_s` (not 0) is owed, and returns 0; else
  // says how long until then. So a request that is larger than the limit gets through once.
  milliseconds take_events(std::uint64_t events, std::uint64_t per_s, Timestamp now);
  // Counts `bytes` if they fit into `per_day` (not 0), and returns 0; else how long until midnight.
  milliseconds take_bytes(std::uint64_t bytes, std::uint64_t per_day, Timestamp now);

 private:
  std::atomic<std::int64_t> owed_until_us_ = 0;   // since 1970
  std::atomic<std::uint64_t> day_and_bytes_ = 0;  // day of 1970 in 16 bits, bytes in 48
};

}  // namespace valetkey::limits
