// SPDX-License-Identifier: Apache-2.0
// The sessions that no longer count, as a value that many threads read. Immutable; a copy shares
// everything, and with() costs what it adds, not what there is: entries rest in shards of which only
// those that change are copied.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/timestamp.h"

namespace valetkey::control {

// Sessions of `subject`, an account, user or token id, issued before `not_before` are refused.
struct Revocation {
  std::string subject;
  Timestamp not_before;
};

class Revocations {
 public:
  // True if a session of these, issued at `issued`, is revoked.
  bool refuse(const AccountId&, const UserId&, const TokenId&, Timestamp issued) const;
  bool contains(std::string_view subject) const;
  std::size_t size() const;
  // These and `changed`, which replace those of the same subject.
  Revocations with(const std::vector<Revocation>& changed) const;

 private:
  using Shard = std::map<std::string, Timestamp, std::less<>>;
  static constexpr std::size_t kShards = 1024;
  const Timestamp* find(std::string_view subject) const;
  std::array<std::shared_ptr<const Shard>, kShards> shards_;  // null: empty
};

}  // namespace valetkey::control
