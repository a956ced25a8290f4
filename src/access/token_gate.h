// SPDX-License-Identifier: Apache-2.0
// From the text of a personal access token to what it may do now. Per-thread caches of known tokens
// follow the control store's changes within a second; only a miss blocks.
#pragma once

#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string_view>

#include "base/crypto.h"
#include "base/thread_cache.h"
#include "control/change_feed.h"
#include "control/control_store.h"

namespace valetkey::access {

using control::TokenAnswer;

// What the store said, and how old that news is: a change seen by the feed since then voids it.
struct TokenReading {
  TokenAnswer answer;
  std::uint64_t generation = 0;  // of the change feed before the store was asked
};

inline constexpr std::size_t kMaxRememberedTokens = 4096;  // per thread

struct DigestHash {
  std::size_t operator()(const Digest256& digest) const {
    std::size_t value = 0;
    std::memcpy(&value, digest.data(), sizeof value);
    return value;
  }
};

class TokenGate {
 public:
  TokenGate(control::ControlStore& store, const control::ChangeFeed& feed)
      : store_(store), feed_(feed) {}
  // The answer if this thread knows it (a mistyped token needs no look-up); never blocks.
  std::optional<TokenAnswer> find(std::string_view token, Timestamp now) const;
  // The same of a token that is known by its digest, as an engine token names it.
  std::optional<TokenAnswer> find(const Digest256& digest, Timestamp now) const;
  // Asks the store; blocks.
  Result<TokenReading> read(const Digest256& digest, Timestamp now) const;
  // The same of an operator's token, which is never kept.
  Result<control::OperatorAnswer> read_operator(std::string_view token, Timestamp now) const;
  // Keeps what read() found, on whatever thread, in this thread's cache. Only tokens that
  // authenticate are kept, so that strangers cannot fill it, and only while nothing has changed
  // since the reading: a grant revoked between read() and remember() would otherwise stay until the
  // next change.
  void remember(const Digest256& digest, const TokenReading& reading) const;

 private:
  control::ControlStore& store_;
  const control::ChangeFeed& feed_;
  // By the digest, so that no token outlives its request in memory.
  ThreadCache<RecentMap<Digest256, control::TokenGrant, kMaxRememberedTokens, DigestHash>> grants_;
};

}  // namespace valetkey::access
