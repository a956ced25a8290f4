// SPDX-License-Identifier: Apache-2.0
#include "limits/event_meter.h"

#include <algorithm>

namespace valetkey::limits {
namespace {

using std::chrono::microseconds;

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kMaxCostUs = 60 * kSecondUs;  // of one request
constexpr unsigned kBytesBits = 48;
constexpr std::uint64_t kMaxBytes = (std::uint64_t{1} << kBytesBits) - 1;

}  // namespace

milliseconds EventMeter::take_events(std::uint64_t events, std::uint64_t per_s, Timestamp now) {
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

milliseconds EventMeter::take_bytes(std::uint64_t bytes, std::uint64_t per_day, Timestamp now) {
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

}  // namespace valetkey::limits
