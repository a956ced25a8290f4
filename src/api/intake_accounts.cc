// SPDX-License-Identifier: Apache-2.0
#include "api/intake_accounts.h"

#include <algorithm>

namespace valetkey::api {
namespace {

constexpr std::size_t kMaxMeters = 65'536;

}  // namespace

std::shared_ptr<const IntakeAccount> IntakeAccounts::find(const std::string& id) const {
  Cache& cache = caches_.get(feed_.generation());
  auto* found = cache.known.find(id);
  if (found == nullptr) found = cache.unknown.find(id);
  return found == nullptr ? nullptr : *found;
}

Result<IntakeReading> IntakeAccounts::read(const AccountId& id) {
  const std::uint64_t generation = feed_.generation();
  auto account = std::make_shared<IntakeAccount>();
  const auto row = store_.account(id);
  if (!row && row.error().code != ErrorCode::not_found) return std::unexpected(row.error());
  if (row) {
    VALETKEY_TRY(account->policy, store_.policy(id));
    account->known = true;
    account->active = row->state == control::AccountState::active;
    if (account->policy.events_per_s > 0 || account->policy.bytes_per_day > 0)
      account->meter = meter_of(id);
  }
  return IntakeReading{std::move(account), generation};
}

void IntakeAccounts::remember(const std::string& id, const IntakeReading& reading) const {
  if (reading.generation != feed_.generation()) return;
  Cache& cache = caches_.get(reading.generation);
  if (reading.account->known)
    cache.known.insert(id, reading.account);
  else
    cache.unknown.insert(id, reading.account);
}

// Only accounts with limits get one. Beyond the bound, those that no cache holds start again.
std::shared_ptr<limits::EventMeter> IntakeAccounts::meter_of(const AccountId& id) {
  const std::lock_guard lock(mutex_);
  if (meters_.size() >= kMaxMeters && !meters_.contains(id.str()))
    std::erase_if(meters_, [](const auto& entry) { return entry.second.use_count() == 1; });
  auto& meter = meters_[id.str()];
  if (!meter) meter = std::make_shared<limits::EventMeter>();
  return meter;
}

}  // namespace valetkey::api
