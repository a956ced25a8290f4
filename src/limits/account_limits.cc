// SPDX-License-Identifier: Apache-2.0
#include "limits/account_limits.h"

#include <algorithm>

namespace valetkey::limits {
namespace {

using std::chrono::nanoseconds;
constexpr std::size_t kMaxIdleAccounts = 4096;
constexpr nanoseconds kRequestBurst = std::chrono::seconds(1);
constexpr nanoseconds kByteBurst = std::chrono::milliseconds(250);

}  // namespace

Running& Running::operator=(Running&& other) noexcept {
  std::swap(use_, other.use_);
  return *this;
}

Running::~Running() {
  if (use_) use_->running.fetch_sub(1, std::memory_order_relaxed);
}

std::shared_ptr<AccountUse> AccountTable::find(const AccountId& account) {
  const std::lock_guard lock(mutex_);
  if (const auto found = accounts_.find(account); found != accounts_.end()) return found->second;
  if (accounts_.size() >= kMaxIdleAccounts) forget_idle();
  return accounts_.emplace(account, std::make_shared<AccountUse>()).first->second;
}

// Those that no session and no running request holds; the rest are bounded by those.
void AccountTable::forget_idle() {
  std::erase_if(accounts_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

bool AccountTable::enter(const std::shared_ptr<AccountUse>& use, SteadyTime now,
                         Running& running) const {
  if (use->running.fetch_add(1, std::memory_order_relaxed) >= limits_.max_requests) {
    use->running.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  running = Running(use);
  if (limits_.requests_per_s <= 0) return true;
  const nanoseconds cost = cost_of(1, limits_.requests_per_s);
  return use->requests.take(now, cost, kRequestBurst).count() == 0;
}

milliseconds AccountTable::pause(const AccountUse& use, SteadyTime now) const {
  if (limits_.bytes_per_s == 0) return {};
  return std::chrono::ceil<milliseconds>(use.bytes.wait(now, kByteBurst));
}

void AccountTable::sent(AccountUse& use, SteadyTime now, std::uint64_t bytes) const {
  if (limits_.bytes_per_s == 0) return;
  use.bytes.add(now, cost_of(static_cast<double>(bytes), static_cast<double>(limits_.bytes_per_s)));
}

}  // namespace valetkey::limits
