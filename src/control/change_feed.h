// SPDX-License-Identifier: Apache-2.0
// Follows the control store's change counter, so that a revocation reaches every server within a
// second. One thread polls every 200 ms; readers never block.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "base/steady_clock.h"
#include "control/control_store.h"

namespace valetkey::control {

class ChangeFeed {
 public:
  // `longest_session`: how far back revocations matter. start() makes the first look before it
  // returns.
  ChangeFeed(ControlStore& store, const Clock& clock, milliseconds longest_session,
             milliseconds period = milliseconds(200),
             const SteadyClock& steady = SteadyClock::system());
  ~ChangeFeed();
  Result<void> start();
  void stop();
  // One look, now: after an own write, or where what was seen a moment ago does not do. False: it
  // failed.
  bool poll();

  // Grows whenever caches of control data must be dropped. One relaxed load.
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  // The snapshot in force. Cache it per thread by generation(): the load takes a lock.
  std::shared_ptr<const Revocations> revocations() const;
  // False after 5 s without a successful look: answer 503.
  bool fresh() const;

 private:
  void run();
  Result<void> look();
  std::int64_t steady_ms() const;

  ControlStore& store_;
  const Clock& clock_;
  const SteadyClock& steady_;
  milliseconds longest_session_;
  milliseconds period_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::int64_t> last_success_steady_ms_{0};
  std::mutex looking_;                 // one look at a time
  std::optional<std::uint64_t> seen_;  // the counter at the last look
  Timestamp complete_{};               // when all revocations were read, and the old ones left out
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<const Revocations> revocations_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace valetkey::control
