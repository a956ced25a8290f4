// SPDX-License-Identifier: Apache-2.0
// For tests: an issuer whose n-th call fails, so that every call site meets its failure once.
#pragma once

#include <atomic>

#include "access/credentials.h"

namespace valetkey::access {

class FaultyIssuer final : public CredentialIssuer {
 public:
  explicit FaultyIssuer(CredentialIssuer& inner) : inner_(inner) {}
  // The n-th call from now on, and none after it, fails so; 0: none.
  void fail_call(int n, ErrorCode code = ErrorCode::unavailable) {
    code_ = code;
    left_ = n;
  }

  unsigned calls_at_once() const override { return inner_.calls_at_once(); }
  milliseconds min_life() const override { return inner_.min_life(); }
  bool follows_revocation() const override { return inner_.follows_revocation(); }
  std::optional<Result<Credentials>> issue_at_once(const control::TokenGrant& grant,
                                                   milliseconds duration, Timestamp now) override {
    if (fails()) return Result<Credentials>(fault());
    return inner_.issue_at_once(grant, duration, now);
  }
  Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                            Timestamp now) override {
    return fails() ? Result<Credentials>(fault()) : inner_.issue(grant, duration, now);
  }
  Result<void> open_account(const AccountId& account, Timestamp now) override {
    return fails() ? Result<void>(fault()) : inner_.open_account(account, now);
  }
  Result<CutOff> cut_off(const Cut& cut, Timestamp now) override {
    return fails() ? Result<CutOff>(fault()) : inner_.cut_off(cut, now);
  }
  Result<void> check_narrowing(const AccountId& account,
                               const control::Narrowing& narrowing) override {
    return fails() ? Result<void>(fault()) : inner_.check_narrowing(account, narrowing);
  }

 private:
  bool fails() { return left_ > 0 && --left_ == 0; }
  std::unexpected<Error> fault() const { return fail(code_, "failed on purpose"); }

  CredentialIssuer& inner_;
  std::atomic<int> left_ = 0;
  ErrorCode code_ = ErrorCode::unavailable;
};

}  // namespace valetkey::access
