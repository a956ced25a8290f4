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
  if (!account.empty()) losses_.dropped[std::string(account)][name] += count;
}

void IntakeCounters::altered(const AccountId& account, std::string_view reason,
                             std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  alterations_[std::string(reason)] += count;
  losses_.altered[account.str()][std::string(reason)] += count;
}

void IntakeCounters::unknown(std::string_view named, std::uint64_t events) {
  const std::lock_guard lock(mutex_);
  losses_.unknown_events += events;
  losses_.last_unknown = named;
}

std::map<std::string, std::uint64_t, std::less<>> IntakeCounters::drops() const {
  const std::lock_guard lock(mutex_);
  return drops_;
}

std::map<std::string, std::uint64_t, std::less<>> IntakeCounters::alterations() const {
  const std::lock_guard lock(mutex_);
  return alterations_;
}

exporter::IntakeLosses IntakeCounters::take_losses() {
  const std::lock_guard lock(mutex_);
  return std::exchange(losses_, {});
}

void IntakeCounters::give_back(exporter::IntakeLosses losses) {
  const std::lock_guard lock(mutex_);
  losses += std::exchange(losses_, {});
  losses_ = std::move(losses);
}

}  // namespace valetkey::server
