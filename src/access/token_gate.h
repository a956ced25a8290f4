// SPDX-License-Identifier: Apache-2.0
// From the text of a personal access token to what it may do now. Per-thread caches of known tokens follow
// the control store's changes within a second; only a miss blocks.
#pragma once

#include <expected>
#include <optional>
#include <string_view>

#include "control/change_feed.h"
#include "control/control_store.h"

namespace valetkey::access {

using TokenAnswer = std::expected<control::TokenGrant, control::TokenRefusal>;

class TokenGate {
 public:
  TokenGate(control::ControlStore& store, const control::ChangeFeed& feed)
      : store_(store), feed_(feed) {}
  // The answer if this thread knows it (a malformed token is known to be unknown); never blocks.
  std::optional<TokenAnswer> find(std::string_view token, Timestamp now) const;
  // Asks the store and remembers; blocks. Only tokens that authenticate are remembered, so that strangers
  // cannot fill the cache.
  Result<TokenAnswer> read(std::string_view token, Timestamp now) const;
  // What read() found on another thread, for this thread's cache.
  void remember(std::string_view token, const control::TokenGrant& grant) const;

 private:
  control::ControlStore& store_;
  const control::ChangeFeed& feed_;
};

}  // namespace valetkey::access
