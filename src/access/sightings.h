// SPDX-License-Identifier: Apache-2.0
// What each token was last seen doing, since this process began: for the person who tries one out
// and looks whether it arrives. In memory only, and bounded. Thread-safe.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "base/ids.h"
#include "base/timestamp.h"
#include "http/message.h"

namespace valetkey::access {

enum class Sight : std::uint8_t { exchange, listing, bytes };

struct Sighting {
  Timestamp at{};
  http::Address client{};
  std::uint64_t bytes = 0;  // of the answer
};
struct Seen {
  std::optional<Sighting> exchange{}, listing{}, bytes{};
};

// Where somebody was seen, as lists and records show it: "192.0.2.1", or the block "2001:db8::/64".
std::string block_text(const http::Address& client);

class Sightings {
 public:
  void note(const TokenId& token, Sight what, const Sighting& sighting);
  Seen of(const TokenId& token) const;

 private:
  static constexpr std::size_t kShards = 16;
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<TokenId, Seen> tokens;
  };
  static std::size_t shard_of(const TokenId& token) {
    return std::hash<TokenId>{}(token) % kShards;
  }
  std::array<Shard, kShards> shards_;
};

inline constexpr std::size_t kMaxSeenTokens = 16'384;  // then another one is forgotten

}  // namespace valetkey::access
