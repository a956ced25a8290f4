// SPDX-License-Identifier: Apache-2.0
// What one account may take of the server at a time, so that one tenant never takes all of it:
// running requests, requests a second, bytes a second. Thread-safe. The counters are atomics shared
// by all loops (limits divided by loops would refuse an account whose connections happen to share
// one); a lock is taken only where a thread meets a session for the first time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/ids.h"
#include "base/timestamp.h"
#include "limits/pace.h"

namespace valetkey::limits {

struct AccountLimits {
  std::size_t max_requests = 64;  // running at once per account
  double requests_per_s = 0;      // 0: off; a second's worth may come at once
  std::uint64_t bytes_per_s = 0;  // 0: off; of bodies
};

// The state of one account.
struct AccountUse {
  std::atomic<std::size_t> running{0};
  Pace requests;
  Pace bytes;
};

// One running request; ends when it goes.
class Running {
 public:
  Running() = default;
  explicit Running(std::shared_ptr<AccountUse> use) : use_(std::move(use)) {}
  Running(Running&& other) noexcept = default;
  Running& operator=(Running&& other) noexcept;
  ~Running();

 private:
  std::shared_ptr<AccountUse> use_;  // shared by the account's sessions and running requests
};

class AccountTable {
 public:
  explicit AccountTable(AccountLimits limits) : limits_(limits) {}
  const AccountLimits& limits() const { return limits_; }
  // The state of that account. Takes the lock: ask once per session and thread, not per request.
  std::shared_ptr<AccountUse> find(const AccountId& account);
  // False: over a limit, answer SlowDown. True: `running` counts until it goes.
  bool enter(const std::shared_ptr<AccountUse>& use, SteadyTime now, Running& running) const;
  // How long a body must wait before it may go on; zero: not at all.
  milliseconds pause(const AccountUse& use, SteadyTime now) const;
  void sent(AccountUse& use, SteadyTime now, std::uint64_t bytes) const;

 private:
  void forget_idle();
  AccountLimits limits_;
  std::mutex mutex_;
  std::unordered_map<AccountId, std::shared_ptr<AccountUse>> accounts_;
};

}  // namespace valetkey::limits
