// SPDX-License-Identifier: Apache-2.0
// Whether a session still counts, asked at every request and every batch of a running download.
// Thread-safe; never blocks (each thread keeps the snapshot of the feed's generation).
#pragma once

#include <memory>

#include "access/credentials.h"
#include "base/thread_cache.h"
#include "control/change_feed.h"

namespace valetkey::access {

class RevocationCheck {
 public:
  explicit RevocationCheck(const control::ChangeFeed& feed) : feed_(feed) {}
  bool revoked(const Claims& claims) const;
  // False: the control store has not been seen for 5 s, no request may be served (503).
  bool fresh() const { return feed_.fresh(); }

 private:
  const control::ChangeFeed& feed_;
  ThreadCache<std::shared_ptr<const control::Revocations>> snapshots_;  // all threads read one
};

}  // namespace valetkey::access
