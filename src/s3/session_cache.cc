// SPDX-License-Identifier: Apache-2.0
#include "s3/session_cache.h"

namespace valetkey::s3 {

// The parts cannot run into each other: '\n' stands in none of them but the session token, which is
// last.
const std::string& SessionCache::key_of(const sigv4::Claim& claim) {
  key_.clear();
  for (const std::string* part : {&claim.access_key_id, &claim.scope.date, &claim.scope.region})
    (key_ += *part) += '\n';
  if (claim.session_token) key_ += *claim.session_token;
  return key_;
}

SessionPtr SessionCache::find(const sigv4::Claim& claim, Timestamp now) {
  const SessionPtr* const found = sessions_.find(key_of(claim));
  if (found == nullptr) return nullptr;
  const milliseconds age = now - (*found)->opened;
  return age < milliseconds(0) || age > kTrust ? nullptr : *found;
}

void SessionCache::remember(const sigv4::Claim& claim, SessionPtr session) {
  sessions_.insert(key_of(claim), std::move(session));
}

}  // namespace valetkey::s3
