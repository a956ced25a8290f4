// SPDX-License-Identifier: Apache-2.0
// Rates: how much of something may pass in a time. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/timestamp.h"

namespace valetkey::limits {

using SteadyTime = std::chrono::steady_clock::time_point;

// The time that `amount` takes at `per_second`.
std::chrono::nanoseconds cost_of(double amount, double per_second);

// A bucket that leaks at a steady rate, kept as the instant at which it will be empty.
class Pace {
 public:
  // Adds what takes `cost` to leak if no more than `burst` is in it then; else says how long until
  // it would fit, and adds nothing.
  std::chrono::nanoseconds take(SteadyTime now, std::chrono::nanoseconds cost,
                                std::chrono::nanoseconds burst);
  // How long until at most `burst` is left.
  std::chrono::nanoseconds wait(SteadyTime now, std::chrono::nanoseconds burst) const;
  // Adds without asking.
  void add(SteadyTime now, std::chrono::nanoseconds cost);

 private:
  std::atomic<std::int64_t> empty_at_{0};  // nanoseconds of the steady clock
};

// How much each of many may do a second, apart from each other: a flood with a stolen token does
// not keep its account from revoking it. Only ids that were found valid (of tokens, users,
// accounts) may be asked about: they are the entries.
class Rates {
 public:
  // `per_second` 0: no limit. `burst` seconds' worth may come at once.
  Rates(double per_second, std::chrono::seconds burst) : per_second_(per_second), burst_(burst) {}
  // Zero: counted. Else how long until the next would be within the limit.
  milliseconds take(const std::string& id, SteadyTime now);

 private:
  double per_second_;
  std::chrono::nanoseconds burst_;
  std::mutex mutex_;
  std::unordered_map<std::string, Pace> paces_;
};

}  // namespace valetkey::limits
