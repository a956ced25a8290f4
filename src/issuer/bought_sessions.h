// SPDX-License-Identifier: Apache-2.0
// Sessions that were bought, kept for equal requests: by token and duration, while at least half
// of their life remains. Thread-safe; never blocks for long.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "access/credentials.h"

namespace valetkey::issuer {

struct Bought {
  access::Credentials credentials;
  Timestamp issued;
  std::uint64_t generation = 0;  // of the change feed, when it was last found to count
};

class BoughtSessions {
 public:
  using Kept = std::shared_ptr<const Bought>;  // shared with answers under way
  static std::string key_of(const control::TokenGrant& grant, milliseconds duration);

  // Null: nothing is kept of which half the life is left, and that ends by `latest`.
  Kept find(const std::string& key, Timestamp now, Timestamp latest) const;
  void keep(const std::string& key, Bought bought, Timestamp now);

  void forget(const AccountId& account);

  // Beyond so many, those that have ended go, and if that is not enough all of a shard.
  static constexpr std::size_t kMost = 200'000;

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Kept> kept;
  };
  Shard& shard_of(const std::string& key) const;
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace valetkey::issuer
