// SPDX-License-Identifier: Apache-2.0
// Sessions that a thread has opened, with the signing key of the day and region, so that a request
// costs neither the opening of its session token nor the HMAC chain. One thread only; of bounded
// size. Only what opened is kept: strangers cannot fill it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "access/credentials.h"
#include "base/thread_cache.h"
#include "limits/account_limits.h"
#include "sigv4/verify.h"

namespace valetkey::s3 {

struct Session {
  access::Scope scope;
  Secret signing_key;  // of the credential scope it was opened with
  std::shared_ptr<limits::AccountUse> use;
  Timestamp opened;  // when the keyring last said yes
};
// Shared by the cache, the requests that run and the bodies they left behind.
using SessionPtr = std::shared_ptr<const Session>;

class SessionCache {
 public:
  // A signing key of a new day or region is an entry of its own.
  static constexpr std::size_t kMaxEntries = 2048;
  // After so long a session is opened again, which notices a key that the clock has retired.
  static constexpr milliseconds kTrust{5000};

  // Null if unknown, or opened too long ago. Does not look at the session's expiry.
  SessionPtr find(const sigv4::Claim& claim, Timestamp now);
  void remember(const sigv4::Claim& claim, SessionPtr session);
  std::size_t size() const { return sessions_.size(); }

 private:
  const std::string& key_of(const sigv4::Claim& claim);
  RecentMap<std::string, SessionPtr, kMaxEntries> sessions_;
  std::string key_;  // scratch, to save the allocation
};

}  // namespace valetkey::s3
