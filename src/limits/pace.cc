// SPDX-License-Identifier: Apache-2.0
#include "limits/pace.h"

#include <algorithm>

namespace valetkey::limits {
namespace {

using std::chrono::nanoseconds;
constexpr std::size_t kMaxIdle = 4096;

std::int64_t count(SteadyTime t) { return nanoseconds(t.time_since_epoch()).count(); }

}  // namespace

nanoseconds cost_of(double amount, double per_second) {
  return nanoseconds(static_cast<std::int64_t>(amount * 1e9 / per_second));
}

nanoseconds Pace::wait(SteadyTime now, nanoseconds burst) const {
  const std::int64_t left = empty_at_.load(std::memory_order_relaxed) - count(now);
  return std::max(nanoseconds(left) - burst, nanoseconds(0));
}

nanoseconds Pace::take(SteadyTime now, nanoseconds cost, nanoseconds burst) {
  std::int64_t empty_at = empty_at_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t start = std::max(empty_at, count(now));
    const std::int64_t next = start + cost.count();
    const nanoseconds over = nanoseconds(next - count(now)) - std::max(burst, cost);
    if (over.count() > 0) return over;
    if (empty_at_.compare_exchange_weak(empty_at, next, std::memory_order_relaxed)) return {};
  }
}

void Pace::add(SteadyTime now, nanoseconds cost) {
  std::int64_t empty_at = empty_at_.load(std::memory_order_relaxed);
  while (!empty_at_.compare_exchange_weak(empty_at, std::max(empty_at, count(now)) + cost.count(),
                                          std::memory_order_relaxed)) {
  }
}

milliseconds Rates::take(const std::string& id, SteadyTime now) {
  if (per_second_ <= 0) return milliseconds(0);
  const std::lock_guard lock(mutex_);
  if (paces_.size() >= kMaxIdle && !paces_.contains(id))
    std::erase_if(paces_, [now](const auto& entry) {
      return entry.second.wait(now, nanoseconds(0)).count() == 0;
    });
  const nanoseconds over = paces_[id].take(now, cost_of(1, per_second_), burst_);
  return std::chrono::ceil<milliseconds>(over);
}

}  // namespace valetkey::limits
