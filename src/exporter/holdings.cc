// SPDX-License-Identifier: Apache-2.0
#include "exporter/holdings.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace valetkey::exporter {

namespace {

constexpr std::chrono::minutes kShortestPause{2}, kLongestPause{32};

}  // namespace

std::size_t fair_part(std::size_t works, std::size_t alive, std::size_t fit, bool is_fit) {
  if (fit != 0 && !is_fit) return 0;
  const std::size_t nodes = fit != 0 ? fit : std::max<std::size_t>(alive, 1);
  return (works + nodes - 1) / nodes;
}

Holdings::Holdings(Owners& owners, NodeState self, std::vector<Work> all, const Clock& clock,
                   const SteadyClock& steady)
    : owners_(owners),
      self_(std::move(self)),
      all_(std::move(all)),
      clock_(clock),
      steady_(steady) {}

void Holdings::start() {
  thread_ = std::thread([this] { run(); });
}

void Holdings::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    held_.clear();
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (const auto left = owners_.leave(self_.id); !left)
    log::warn("exporter", "this node's work stays its own for a while",
              {{"seconds", kOwnershipLasts.count()}, {"why", left.error().detail}});
}

void Holdings::run() {
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    static_cast<void>(renew());  // says so itself
    lock.lock();
  } while (!wake_.wait_for(lock, kOwnershipRenewed, [this] { return stopping_; }));
}

void Holdings::ask_to_share() {
  const auto answer = may_share_();
  if (answer) {
    may_share_ = nullptr;
    log::info("exporter", "this node takes part in the export from now on");
  } else if (answer.error().detail != refused_) {
    refused_ = answer.error().detail;
    log::warn("exporter", "this node takes no part in the export yet", {{"why", refused_}});
  }
}

Result<void> Holdings::renew() {
  if (may_share_) ask_to_share();
  const bool sharing = !may_share_;
  const auto began = steady_.now();
  const auto began_at = clock_.now();
  std::vector<Work> given_up;
  NodeState self = self_;
  {
    const std::lock_guard lock(mutex_);
    given_up.assign(surplus_.begin(), surplus_.end());
    self.fit = is_fit() && sharing;
  }
  auto share = owners_.renew(self, sharing ? all_ : std::vector<Work>(), given_up);
  const std::lock_guard lock(mutex_);
  const bool failed = std::exchange(failing_, !share);
  if (!share) {
    if (!failed)
      log::warn("exporter", "this node cannot renew what it owns of the export",
                {{"why", share.error().detail}});
    return std::unexpected(std::move(share).error());
  }
  if (stopping_) return {};
  if (failed) log::info("exporter", "this node renews what it owns of the export again");
  // What ran out meanwhile may have been somebody else's.
  if (!is_fresh()) held_.clear();
  std::set<Work> now(share->works.begin(), share->works.end());
  surplus_.clear();
  while (now.size() > share->most) surplus_.insert(now.extract(std::prev(now.end())));
  if (!std::ranges::includes(held_, now)) ++gained_;
  if (now.contains(kDays) && !held_.contains(kDays)) ++gained_days_;
  held_ = std::move(now);
  renewed_ = began;
  renewed_at_ = began_at;
  ever_ = true;
  return {};
}

void Holdings::note_export(bool worked) {
  const std::lock_guard lock(mutex_);
  if (!worked) {
    if (!exports_fail_since_) exports_fail_since_ = steady_.now();
    return;
  }
  exports_fail_since_.reset();
  // Without work it proves nothing.
  if (!held_.empty()) unfit_until_.reset();
}

bool Holdings::is_fit() {
  const auto now = steady_.now();
  if (!fit_since_) fit_since_ = now;
  if (unfit_until_ && now < *unfit_until_) return false;
  if (std::exchange(unfit_until_, std::nullopt)) {
    exports_fail_since_.reset();
    fit_since_ = now;
  }
  if (!exports_fail_since_ || now - *exports_fail_since_ < kPatience) return true;
  const bool again = pause_ != pause_.zero() && now - *fit_since_ < 2 * kLongestPause;
  pause_ = again ? std::min(2 * pause_, kLongestPause) : kShortestPause;
  unfit_until_ = now + pause_;
  log::warn("exporter", "this node's exports fail; others may do its work",
            {{"seconds", std::chrono::seconds(pause_).count()}});
  return false;
}

bool Holdings::is_fresh() const {
  constexpr milliseconds kTrusted = milliseconds(kOwnershipLasts) / 2;
  const auto now = clock_.now();
  return ever_ && steady_.now() - renewed_ < kTrusted && now - renewed_at_ < kTrusted &&
         renewed_at_ - now < kTrusted;
}

bool Holdings::holds(Work work) const {
  const bool shared = std::ranges::find(all_, work) != all_.end();
  const std::lock_guard lock(mutex_);
  return held_.contains(shared ? work : kDays) && is_fresh();
}

std::uint64_t Holdings::gained_days() const {
  const std::lock_guard lock(mutex_);
  return gained_days_;
}

std::uint64_t Holdings::gained() const {
  const std::lock_guard lock(mutex_);
  return gained_;
}

}  // namespace valetkey::exporter
