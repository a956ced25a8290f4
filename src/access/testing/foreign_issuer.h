// SPDX-License-Identifier: Apache-2.0
// For tests: an issuer as those of other engines are. Each session is asked for where it may block, lives to its end
// unless it is cut off, and cannot be limited. It seals them itself all the same.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "access/credentials.h"

namespace valetkey::access {

class ForeignIssuer final : public CredentialIssuer {
 public:
  explicit ForeignIssuer(const KeySource& keys) : sealed_(keys) {}
  unsigned calls_at_once() const override { return 4; }
  milliseconds min_life() const override { return std::chrono::minutes(15); }
  bool follows_revocation() const override { return false; }
  std::optional<Result<Credentials>> issue_at_once(const control::TokenGrant&, milliseconds,
                                                   Timestamp) override {
    return std::nullopt;
  }
  Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                            Timestamp now) override {
    VALETKEY_CHECK(end_of_session(grant, duration, min_life(), now));
    VALETKEY_CHECK(check_narrowing(grant.account, grant.narrowing));
    return sealed_.issue(grant, duration, now);
  }
  Result<void> open_account(const AccountId&, Timestamp) override { return {}; }
  Result<CutOff> cut_off(const Cut& whose, Timestamp) override {
    ++cuts;
    if (whose.tokens.empty()) cut.push_back(whose.account.str());
    for (const TokenId& token : whose.tokens) cut.push_back(token.str());
    return CutOff{.at_once = true};
  }
  Result<void> check_narrowing(const AccountId&, const control::Narrowing& narrowing) override {
    if (narrowing.empty()) return {};
    return fail(ErrorCode::invalid, "sessions there cannot be limited");
  }

  std::vector<std::string> cut;  // accounts and tokens whose sessions were cut off
  int cuts = 0;                  // in so many calls

 private:
  SealedIssuer sealed_;
};

}  // namespace valetkey::access
