// SPDX-License-Identifier: Apache-2.0
#include "issuer/bought_sessions.h"

namespace valetkey::issuer {

std::string BoughtSessions::key_of(const control::TokenGrant& grant, milliseconds duration) {
  return grant.account.str() + "/" + grant.token.str() + "/" + std::to_string(duration.count());
}

BoughtSessions::Shard& BoughtSessions::shard_of(const std::string& key) const {
  return shards_[std::hash<std::string>{}(key) % kShards];
}

BoughtSessions::Kept BoughtSessions::find(const std::string& key, Timestamp now,
                                          Timestamp latest) const {
  const Shard& shard = shard_of(key);
  Kept kept;
  {
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.kept.find(key);
    if (found == shard.kept.end()) return nullptr;
    kept = found->second;
  }
  const Timestamp expires = kept->credentials.expires;
  // A clock that was set back must not lengthen anything.
  const bool fits =
      kept->issued <= now && expires <= latest && (expires - now) * 2 >= expires - kept->issued;
  return fits ? kept : nullptr;
}

void BoughtSessions::keep(const std::string& key, Bought bought, Timestamp now) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.kept.size() >= kMost / kShards && !shard.kept.contains(key)) {
    std::erase_if(shard.kept,
                  [now](const auto& entry) { return entry.second->credentials.expires <= now; });
    if (shard.kept.size() >= kMost / kShards) shard.kept.clear();
  }
  shard.kept[key] = std::make_shared<const Bought>(std::move(bought));
}

void BoughtSessions::forget(const AccountId& account) {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    std::erase_if(shard.kept, [start = account.str() + "/"](const auto& entry) {
      return entry.first.starts_with(start);
    });
  }
}

}  // namespace valetkey::issuer
