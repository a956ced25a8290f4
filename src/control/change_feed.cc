// SPDX-License-Identifier: Apache-2.0
#include "control/change_feed.h"

#include "base/log.h"

namespace valetkey::control {
namespace {

constexpr milliseconds kStaleAfter = std::chrono::seconds(5);
// A server that lags or whose clock differs may have issued a session somewhat after its
// revocation.
constexpr milliseconds kSlack = std::chrono::minutes(5);
// Then expired revocations are dropped from memory.
constexpr milliseconds kCompleteEvery = std::chrono::hours(1);

}  // namespace

ChangeFeed::ChangeFeed(ControlStore& store, const Clock& clock, milliseconds longest_session,
                       milliseconds period, const SteadyClock& steady)
    : store_(store),
      clock_(clock),
      steady_(steady),
      longest_session_(longest_session),
      period_(period),
      revocations_(std::make_shared<const Revocations>()) {}

ChangeFeed::~ChangeFeed() { stop(); }

Result<void> ChangeFeed::start() {
  VALETKEY_CHECK(look());
  thread_ = std::thread([this] { run(); });
  return {};
}

void ChangeFeed::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ChangeFeed::poll() { return look().has_value(); }

Result<void> ChangeFeed::look() {
  const std::lock_guard looking(looking_);
  VALETKEY_TRY(const std::uint64_t counter, store_.change_counter());
  // Different, not greater: a store restored from a backup counts from less.
  if (seen_ != counter) {
    const Timestamp now = clock_.now();
    const bool all = !seen_ || counter < *seen_ || now - complete_ >= kCompleteEvery;
    VALETKEY_TRY(const auto changed,
                 store_.revocations(now - longest_session_ - kSlack, all ? 0 : *seen_));
    const Revocations former = all ? Revocations() : *revocations_;
    auto fresh = std::make_shared<const Revocations>(former.with(changed));
    if (all) complete_ = now;
    const std::lock_guard lock(mutex_);
    revocations_ = std::move(fresh);
    seen_ = counter;
    generation_.fetch_add(1, std::memory_order_release);
  }
  last_success_steady_ms_ = steady_ms();
  return {};
}

std::shared_ptr<const Revocations> ChangeFeed::revocations() const {
  const std::lock_guard lock(mutex_);
  return revocations_;
}

std::int64_t ChangeFeed::steady_ms() const {
  return std::chrono::duration_cast<milliseconds>(steady_.now().time_since_epoch()).count();
}

bool ChangeFeed::fresh() const {
  const std::int64_t last = last_success_steady_ms_;
  return last != 0 && steady_ms() - last <= kStaleAfter.count();
}

void ChangeFeed::run() {
  bool failing = false;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [this] { return stopping_; })) {
    lock.unlock();
    const auto looked = look();
    if (!looked && !failing)
      log::warn("control", "cannot follow the control store", {{"error", looked.error().detail}});
    if (looked && failing) log::info("control", "following the control store again");
    failing = !looked;
    lock.lock();
  }
}

}  // namespace valetkey::control
