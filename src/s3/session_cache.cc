// SPDX-License-Identifier: Apache-2.0
#include "s3/session_cache.h"

namespace valetkey::s3 {

void SessionCache::follow(const std::shared_ptr<const Keyring>& keyring) {
  if (keyring == keyring_) return;
  young_.clear();
  old_.clear();
  keyring_ = keyring;
}

// The parts cannot run into each other: '\n' stands in none of them but the session token, which is
// last.
const std::string& SessionCache::key_of(const sigv4::Claim& claim) {
  key_.clear();
  for (const std::string* part : {&claim.access_key_id, &claim.scope.date, &claim.scope.region})
    (key_ += *part) += '\n';
  if (claim.session_token) key_ += *claim.session_token;
  return key_;
}

SessionPtr SessionCache::find(const std::shared_ptr<const Keyring>& keyring,
                              const sigv4::Claim& claim, Timestamp now) {
  follow(keyring);
  const std::string& key = key_of(claim);
  auto found = young_.find(key);
  if (found == young_.end()) {
    const auto aged = old_.find(key);
    if (aged == old_.end()) return nullptr;
    SessionPtr session = std::move(aged->second);
    old_.erase(aged);
    found = young_.emplace(key, std::move(session)).first;
  }
  const milliseconds age = now - found->second->opened;
  return age < milliseconds(0) || age > kTrust ? nullptr : found->second;
}

void SessionCache::remember(const sigv4::Claim& claim, SessionPtr session) {
  if (young_.size() >= kMaxEntries) {
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(key_of(claim), std::move(session));
}

}  // namespace valetkey::s3
