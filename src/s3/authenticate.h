// SPDX-License-Identifier: Apache-2.0
// The caller: from a request's signature to the session that signed it. Thread-safe; each thread
// has its own cache of opened sessions.
#pragma once

#include <string>

#include "access/revocation.h"
#include "base/keyring.h"
#include "http/message.h"
#include "limits/account_limits.h"
#include "s3/error.h"
#include "s3/session_cache.h"

namespace valetkey::s3 {

struct RegionRule {
  std::string region;
  bool strict = false;  // false: any region in the credential scope is taken, and used for the key
};

class Authenticator {
 public:
  Authenticator(const KeySource& keys, const access::RevocationCheck& revocation,
                limits::AccountTable& accounts, RegionRule rule);
  // The session whose secret signed this request, unexpired and not revoked, over the body that
  // came. Order: the claim's form and time, region, session token, signature, revocation, body.
  // `note` gets the session token's account as soon as it opens, even if the request is refused.
  Answer<SessionPtr> authenticate(const http::Request& request, http::Note& note) const;

 private:
  Answer<SessionPtr> session_of(const sigv4::Claim& claim, Timestamp now, http::Note& note) const;
  Answer<SessionPtr> open(const std::shared_ptr<const Keyring>& keyring, const sigv4::Claim& claim,
                          Timestamp now, http::Note& note) const;
  Answer<void> check_region(const sigv4::Claim& claim) const;

  const KeySource& keys_;
  const access::RevocationCheck& revocation_;
  limits::AccountTable& accounts_;
  RegionRule rule_;
  // Of one keyring, which is held, so that no other one gets its address.
  ThreadCache<SessionCache, std::shared_ptr<const Keyring>> caches_;
};

// The body against x-amz-content-sha256; a body that was not read whole is not looked at.
Answer<void> check_payload(const http::Request& request, std::string_view payload_hash);

}  // namespace valetkey::s3
