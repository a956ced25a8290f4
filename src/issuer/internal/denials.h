// SPDX-License-Identifier: Apache-2.0
// The policy that takes sessions of a shared role back: a Deny for each account that was cut off, and
// for tokens of each, of what was issued before. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "access/credentials.h"

namespace valetkey::issuer {

class Denials {
 public:
  void add(const access::Cut& cut, Timestamp at);
  // All that either denies.
  void add(const Denials& others);
  // Sessions of before have ended by themselves.
  void forget_older(Timestamp than);
  // Makes room: the account with the most tokens here is denied as a whole in their place. Returns
  // it; nothing where no account has any.
  std::optional<AccountId> widen(Timestamp at);
  // `too_large` beyond what a role's policies may have.
  Result<std::string> policy() const;

  static constexpr std::size_t kMaxPolicy = 10'000;  // of 10,240 characters for all of a role

 private:
  friend Result<Denials> parse_denials(std::string_view policy);
  struct OfAccount {
    std::optional<Timestamp> all{};  // sessions issued before are refused
    std::map<std::string, Timestamp> tokens{};
  };
  // By account; "" has tokens that an earlier release wrote without one.
  std::map<std::string, OfAccount> accounts_;
};

// `invalid` for a policy that this class did not write.
Result<Denials> parse_denials(std::string_view policy);

}  // namespace valetkey::issuer
