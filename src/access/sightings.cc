// SPDX-License-Identifier: Apache-2.0
#include "access/sightings.h"

namespace valetkey::access {

std::string block_text(const http::Address& client) {
  return client.is_v4() ? client.str() : client.block().str() + "/64";
}

void Sightings::note(const TokenId& token, Sight what, const Sighting& sighting) {
  Shard& shard = shards_[shard_of(token)];
  const std::lock_guard lock(shard.mutex);
  if (shard.tokens.size() >= kMaxSeenTokens / kShards && !shard.tokens.contains(token))
    shard.tokens.erase(shard.tokens.begin());
  Seen& seen = shard.tokens[token];
  (what == Sight::exchange  ? seen.exchange
   : what == Sight::listing ? seen.listing
                            : seen.bytes) = sighting;
}

Seen Sightings::of(const TokenId& token) const {
  const Shard& shard = shards_[shard_of(token)];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.tokens.find(token);
  return found == shard.tokens.end() ? Seen{} : found->second;
}

}  // namespace valetkey::access
