// SPDX-License-Identifier: Apache-2.0
#include "limits/failure_limiter.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/crypto.h"

namespace valetkey::limits {
namespace {

// A cell is 20 bits of hash and the instant, in ms since 1970, at which the block has been forgiven
// everything (the generic cell rate algorithm needs no more). 44 bits last until the year 2527.
constexpr unsigned kDueBits = 44;
constexpr std::uint64_t kDueMask = (std::uint64_t{1} << kDueBits) - 1;
constexpr std::size_t kWays = 8;

}  // namespace

FailureLimiter::FailureLimiter(LimiterOptions options)
    : options_(options),
      tolerance_(static_cast<std::uint64_t>(options.interval.count()) *
                 (std::max(options.burst, 1U) - 1)),
      seed_(random_bytes(std::size_t{32})),
      sets_(std::bit_ceil(std::max<std::size_t>(options.blocks / kWays, 1))),
      cells_(std::make_unique<std::atomic<std::uint64_t>[]>(sets_ * kWays)) {}

FailureLimiter::Place FailureLimiter::place_of(const Address& block) const {
  std::string text = seed_;
  text.append(reinterpret_cast<const char*>(block.bytes.data()), block.bytes.size());
  const Digest256 digest = sha256(text);
  std::uint64_t index = 0;
  std::uint64_t tag = 0;
  std::memcpy(&index, digest.data(), sizeof index);
  std::memcpy(&tag, digest.data() + sizeof index, sizeof tag);
  return {(index & (sets_ - 1)) * kWays, tag & ~kDueMask};
}

std::uint64_t FailureLimiter::ticks(Timestamp now) const {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(epoch_ms(now), 0)) & kDueMask;
}

// Never further ahead than a full burst: a clock that was set back must not lock anybody out for
// long.
std::uint64_t FailureLimiter::due_of(std::uint64_t cell, std::uint64_t now) const {
  const auto interval = static_cast<std::uint64_t>(options_.interval.count());
  return std::clamp(cell & kDueMask, now, now + tolerance_ + interval);
}

// The block's own cell, else the one that is forgiven first.
std::size_t FailureLimiter::choose(const Place& place, std::uint64_t now) const {
  std::size_t best = place.set;
  std::uint64_t best_due = ~std::uint64_t{0};
  for (std::size_t i = place.set; i < place.set + kWays; ++i) {
    const std::uint64_t cell = cells_[i].load(std::memory_order_relaxed);
    if (cell != 0 && (cell & ~kDueMask) == place.tag) return i;
    const std::uint64_t due = due_of(cell, now);
    if (due < best_due) {
      best = i;
      best_due = due;
    }
  }
  return best;
}

milliseconds FailureLimiter::failed(const Address& block, Timestamp at) {
  if (options_.burst == 0) return milliseconds(0);
  const Place place = place_of(block);
  const std::uint64_t now = ticks(at);
  const auto interval = static_cast<std::uint64_t>(options_.interval.count());
  for (;;) {
    std::atomic<std::uint64_t>& slot = cells_[choose(place, now)];
    std::uint64_t cell = slot.load(std::memory_order_relaxed);
    const bool own = (cell & ~kDueMask) == place.tag;
    const std::uint64_t due = own ? due_of(cell, now) : now;
    if (due > now + tolerance_) return milliseconds(due - now - tolerance_);
    const std::uint64_t next = place.tag | ((due + interval) & kDueMask);
    if (slot.compare_exchange_weak(cell, next, std::memory_order_relaxed)) return milliseconds(0);
  }
}

bool FailureLimiter::is_over(const Address& block, Timestamp at) const {
  if (options_.burst == 0) return false;
  const Place place = place_of(block);
  const std::uint64_t now = ticks(at);
  const std::uint64_t cell = cells_[choose(place, now)].load(std::memory_order_relaxed);
  return (cell & ~kDueMask) == place.tag && due_of(cell, now) > now + tolerance_;
}

}  // namespace valetkey::limits
