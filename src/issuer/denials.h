// SPDX-License-Identifier: Apache-2.0
// The policy that takes sessions of a shared role back: a Deny for each account and token that was cut
// off, of what was issued before. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "access/credentials.h"

namespace valetkey::issuer {

class Denials {
 public:
  void add(const access::Cut& cut, Timestamp at);
  // Sessions of before have ended by themselves.
  void forget_older(Timestamp than);
  bool empty() const { return until_.empty(); }
  // `too_large` beyond what a role's policies may have.
  Result<std::string> policy() const;

  static constexpr std::size_t kMaxPolicy = 10'000;  // of 10,240 characters for all of a role

 private:
  friend Result<Denials> parse_denials(std::string_view policy);
  // Tag and value: "account" 123, "token" tok_…; sessions issued before are refused.
  std::map<std::pair<std::string, std::string>, Timestamp> until_;
};

// `invalid` for a policy that this class did not write.
Result<Denials> parse_denials(std::string_view policy);

}  // namespace valetkey::issuer
