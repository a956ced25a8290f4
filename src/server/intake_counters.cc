// SPDX-License-Identifier: Apache-2.0
#include "server/intake_counters.h"

#include <utility>

namespace valetkey::server {
namespace {

constexpr std::size_t kMaxReasons = 64;

}  // namespace

void IntakeCounters::received(const AccountId&, std::uint64_t events, std::uint64_t bytes) {
  events_.fetch_add(events, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void IntakeCounters::dropped(std::string_view account, std::string_view reason,
                             std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  const bool known = drops_.size() < kMaxReasons || drops_.contains(reason);
  const std::string name = known ? std::string(reason) : "other";
  drops_[name] += count;
  if (!account.empty()) account_drops_[std::string(account)][name] += count;
}

std::map<std::string, std::uint64_t, std::less<>> IntakeCounters::drops() const {
  const std::lock_guard lock(mutex_);
  return drops_;
}

storage::DropCounts IntakeCounters::take_account_drops() {
  const std::lock_guard lock(mutex_);
  return std::exchange(account_drops_, {});
}

void IntakeCounters::give_back(const storage::DropCounts& drops) {
  const std::lock_guard lock(mutex_);
  for (const auto& [account, reasons] : drops)
    for (const auto& [reason, count] : reasons) account_drops_[account][reason] += count;
}

}  // namespace valetkey::server
