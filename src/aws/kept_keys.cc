// SPDX-License-Identifier: Apache-2.0
#include "aws/kept_keys.h"

#include "base/crypto.h"
#include "base/log.h"

namespace valetkey::aws {
namespace {

milliseconds jitter(milliseconds most) {
  std::uint32_t random = 0;
  random_bytes({reinterpret_cast<std::uint8_t*>(&random), sizeof random});
  return milliseconds(most.count() <= 0 ? 0 : random % static_cast<std::uint64_t>(most.count()));
}

}  // namespace

Result<KeptKeys::Kept> KeptKeys::get(Timestamp now) {
  std::unique_lock lock(mutex_);
  const bool good = valid(now);
  if (good && (now < refresh_at_ || now < retry_at_ || fetching_)) return kept_;
  if (!good && !fetching_ && last_error_ && now < retry_at_) return std::unexpected(*last_error_);
  if (fetching_) {
    done_.wait(lock, [this] { return !fetching_; });
    if (valid(now)) return kept_;
    return std::unexpected(last_error_.value_or(
        Error{ErrorCode::unavailable, "the server's own credentials have ended"}));
  }
  fetching_ = true;
  lock.unlock();
  Result<OwnKeys> found = source_(now);
  lock.lock();
  fetching_ = false;
  done_.notify_all();
  if (found && found->expires && *found->expires <= now)
    found = fail(ErrorCode::unavailable, found->from + " gives credentials that have ended");
  if (found) {
    take(*std::move(found), now);
    return kept_;
  }
  last_error_ = found.error();
  retry_at_ = now + (valid(now) ? kPause : kShortPause);
  log::warn("aws", "the server's own credentials could not be fetched",
            {{"why", found.error().detail}});
  if (valid(now)) return kept_;
  return std::unexpected(found.error());
}

void KeptKeys::take(OwnKeys keys, Timestamp now) {
  last_error_.reset();
  retry_at_ = now;
  refresh_at_ = now + kLookAgain;
  if (keys.expires) {
    const auto quarter = (*keys.expires - now) / 4;
    refresh_at_ = *keys.expires - quarter - jitter(quarter / 4);
  }
  kept_ = std::make_shared<const OwnKeys>(std::move(keys));
}

void KeptKeys::forget(const Kept& refused, Timestamp now) {
  const std::lock_guard lock(mutex_);
  if (kept_ != refused || now < retry_at_) return;
  refresh_at_ = now;
  retry_at_ = now + kPause;
}

}  // namespace valetkey::aws
