// SPDX-License-Identifier: Apache-2.0
// What the intake knows of accounts: their state and policy, from per-thread caches that follow the
// control store's changes within a second, and how much each has sent. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ids.h"
#include "base/thread_cache.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "limits/event_meter.h"

namespace valetkey::api {

struct IntakeAccount {
  bool known = false;
  bool active = false;
  control::AccountPolicy policy;
  // Shared by the caches of all threads and the table of meters; null: no limits.
  std::shared_ptr<limits::EventMeter> meter;
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
  std::shared_ptr<limits::EventMeter> meter_of(const AccountId& id);

  control::ControlStore& store_;
  const control::ChangeFeed& feed_;
  ThreadCache<Cache> caches_;
  std::mutex mutex_;  // of the table below, met on a miss only
  std::unordered_map<std::string, std::shared_ptr<limits::EventMeter>> meters_;
};

}  // namespace valetkey::api
