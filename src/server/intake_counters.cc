// SPDX-License-Identifier: Apache-2.0
#include "server/intake_counters.h"

namespace valetkey::server {
namespace {

constexpr std::size_t kMaxReasons = 64;

}  // namespace

void IntakeCounters::received(const AccountId&, std::uint64_t events, std::uint64_t bytes) {
  events_.fetch_add(events, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void IntakeCounters::dropped(std::string_view, std::string_view reason, std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  const bool known = drops_.size() < kMaxReasons || drops_.contains(reason);
  drops_[known ? std::string(reason) : "other"] += count;
}

std::map<std::string, std::uint64_t, std::less<>> IntakeCounters::drops() const {
  const std::lock_guard lock(mutex_);
  return drops_;
}

}  // namespace valetkey::server
