// SPDX-License-Identifier: Apache-2.0
// The server's own credentials, kept and refreshed on demand: when a quarter of their life is left,
// less some jitter, one caller fetches new ones while the others go on with the old. The old ones
// stay in use to their end while their source is down. Thread-safe; may block.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "aws/source.h"

namespace valetkey::aws {

class KeptKeys {
 public:
  using Source = std::function<Result<OwnKeys>(Timestamp now)>;
  using Kept = std::shared_ptr<const OwnKeys>;  // shared with those who still sign with it
  explicit KeptKeys(Source source) : source_(std::move(source)) {}

  // Credentials that have not ended at `now`, or why there are none.
  Result<Kept> get(Timestamp now);
  // The engine says that `refused` is of no use: it is fetched again, once in 10 s at most.
  void forget(const Kept& refused, Timestamp now);

  // Those that do not say when they end are looked up again after so long: files change.
  static constexpr milliseconds kLookAgain{5 * 60'000};
  static constexpr milliseconds kPause{10'000};      // between attempts while the old ones last
  static constexpr milliseconds kShortPause{1'000};  // when none are left

 private:
  bool valid(Timestamp now) const { return kept_ && (!kept_->expires || now < *kept_->expires); }
  void take(OwnKeys keys, Timestamp now);

  const Source source_;
  std::mutex mutex_;
  std::condition_variable done_;
  bool fetching_ = false;
  Kept kept_;
  Timestamp refresh_at_{}, retry_at_{};
  std::optional<Error> last_error_;
};

}  // namespace valetkey::aws
