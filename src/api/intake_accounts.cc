// SPDX-License-Identifier: Apache-2.0
#include "api/intake_accounts.h"

#include <algorithm>

namespace valetkey::api {
namespace {

using std::chrono::microseconds;

constexpr std::size_t kMaxMeters = 65'536;
constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kMaxCostUs = 60 * kSecondUs;  // of one request
constexpr unsigned kBytesBits = 48;
constexpr std::uint64_t kMaxBytes = (std::uint64_t{1} << kBytesBits) - 1;

}  // namespace

milliseconds IntakeMeter::take_events(std::uint64_t events, std::uint64_t per_s, Timestamp now) {
  const std::int64_t at = epoch_ms(now) * 1000;
  const double cost = static_cast<double>(events) * kSecondUs / static_cast<double>(per_s);
  const auto cost_us = static_cast<std::int64_t>(std::min<double>(cost, kMaxCostUs));
  std::int64_t until = owed_until_us_.load(std::memory_order_relaxed);
  while (true) {
    // More than can be owed: the clock was set back.
    const bool usable = until > at && until - at <= kMaxCostUs + kSecondUs;
    const std::int64_t start = usable ? until : at;
    if (start - at >= kSecondUs)
      return std::chrono::ceil<milliseconds>(microseconds(start - at - kSecondUs + 1));
    if (owed_until_us_.compare_exchange_weak(until, start + cost_us, std::memory_order_relaxed))
      return milliseconds(0);
  }
}

milliseconds IntakeMeter::take_bytes(std::uint64_t bytes, std::uint64_t per_day, Timestamp now) {
  const Date today = date_of(now);
  const auto day = static_cast<std::uint16_t>(today.time_since_epoch().count());
  std::uint64_t seen = day_and_bytes_.load(std::memory_order_relaxed);
  while (true) {
    const std::uint64_t used = seen >> kBytesBits == day ? seen & kMaxBytes : 0;
    const std::uint64_t sum = used + bytes;
    if (sum > std::min(per_day, kMaxBytes))
      return std::chrono::ceil<milliseconds>(Timestamp(today + std::chrono::days(1)) - now);
    const std::uint64_t next = std::uint64_t{day} << kBytesBits | sum;
    if (day_and_bytes_.compare_exchange_weak(seen, next, std::memory_order_relaxed))
      return milliseconds(0);
  }
}

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
std::shared_ptr<IntakeMeter> IntakeAccounts::meter_of(const AccountId& id) {
  const std::lock_guard lock(mutex_);
  if (meters_.size() >= kMaxMeters && !meters_.contains(id.str()))
    std::erase_if(meters_, [](const auto& entry) { return entry.second.use_count() == 1; });
  auto& meter = meters_[id.str()];
  if (!meter) meter = std::make_shared<IntakeMeter>();
  return meter;
}

}  // namespace valetkey::api
