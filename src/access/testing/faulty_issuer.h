// SPDX-License-Identifier: Apache-2.0
// For tests: an issuer whose n-th call fails without being made, so that every call site meets its failure once.
// Thread-safe as what it wraps.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "access/credentials.h"
#include "base/testing/faulty_calls.h"

namespace valetkey::access {

class FaultyIssuer final : public CredentialIssuer {
 public:
  FaultyIssuer(CredentialIssuer& inner, FaultyCalls& calls) : inner_(inner), calls_(calls) {}

  unsigned calls_at_once() const override { return inner_.calls_at_once(); }
  milliseconds min_life() const override { return inner_.min_life(); }
  bool follows_revocation() const override { return inner_.follows_revocation(); }
  Holds holds() const override { return inner_.holds(); }
  std::optional<Result<Credentials>> issue_at_once(const control::TokenGrant& grant,
                                                   milliseconds duration, Timestamp now) override {
    if (auto counted = calls_.count(); !counted)
      return Result<Credentials>(std::unexpected(std::move(counted).error()));
    return inner_.issue_at_once(grant, duration, now);
  }
  Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                            Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.issue(grant, duration, now);
  }
  Result<std::shared_ptr<const Place>> place(const AccountId& account) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.place(account);
  }
  Result<void> open_account(const AccountId& account, Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.open_account(account, now);
  }
  Result<CutOff> cut_off(const Cut& cut, Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.cut_off(cut, now);
  }
  Result<void> check_narrowing(const AccountId& account,
                               const control::Narrowing& narrowing) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.check_narrowing(account, narrowing);
  }

 private:
  CredentialIssuer& inner_;
  FaultyCalls& calls_;
};

}  // namespace valetkey::access
