// SPDX-License-Identifier: Apache-2.0
// What the intake knows of accounts: their state and policy, from per-thread caches that follow the
// control store's changes within a second, and how much each has sent. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ids.h"
#include "base/thread_cache.h"
#include "control/change_feed.h"
#include "control/control_store.h"

namespace valetkey::api {

// How much one account has sent to this process. Lock-free; shared by all loops. Several processes
// do not share it, so an account may get a multiple of its limits then; a restart forgets it.
class IntakeMeter {
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

struct IntakeAccount {
  bool known = false;
  bool active = false;
  control::AccountPolicy policy;
  // Shared by the caches of all threads and the table of meters; null: no limits.
  std::shared_ptr<IntakeMeter> meter;
};

// What the store said, and how old that news is: a change seen by the feed since then voids it.
struct IntakeReading {
  std::shared_ptr<const IntakeAccount> account;  // shared with caches
  std::uint64_t generation = 0;
};

class IntakeAccounts {
 public:
  IntakeAccounts(control::ControlStore& store, const control::ChangeFeed& feed)
      : store_(store), feed_(feed) {}
  // What this thread knows, or null; never blocks.
  std::shared_ptr<const IntakeAccount> find(const std::string& id) const;
  // Asks the store; blocks.
  Result<IntakeReading> read(const AccountId& id);
  // Keeps what read() found in this thread's cache, unless something has changed since. Unknown
  // accounts have a smaller place of their own, so that strangers cannot push the others out.
  void remember(const std::string& id, const IntakeReading& reading) const;

 private:
  struct Cache {
    RecentNames<std::shared_ptr<const IntakeAccount>, 4096> known;
    RecentNames<std::shared_ptr<const IntakeAccount>, 1024> unknown;
  };
  std::shared_ptr<IntakeMeter> meter_of(const AccountId& id);

  control::ControlStore& store_;
  const control::ChangeFeed& feed_;
  ThreadCache<Cache> caches_;
  std::mutex mutex_;  // of the table below, met on a miss only
  std::unordered_map<std::string, std::shared_ptr<IntakeMeter>> meters_;
};

}  // namespace valetkey::api
