// SPDX-License-Identifier: Apache-2.0
// Signing in at an identity provider: away with the browser, and back. What it left with is sealed in its cookie, so
// that it may come back to any node (away.h). Users exist beforehand. Thread-safe; every call may wait for the provider.
#pragma once

#include "base/keyring.h"
#include "console/call.h"
#include "console/sign_in.h"
#include "oidc/relying_party.h"

namespace valetkey::console {

class Provider {
 public:
  // All of them outlive it.
  Provider(control::ControlStore& store, SignIn& sign_in, oidc::RelyingParty& party,
           const KeySource& keys)
      : store_(store), sign_in_(sign_in), party_(party), keys_(keys) {}
  Answer<Reply> start(const Call& call);  // ?next=
  Answer<Reply> finish(const Call& call);

 private:
  control::ControlStore& store_;
  SignIn& sign_in_;
  oidc::RelyingParty& party_;
  const KeySource& keys_;
};

// A path of the console itself, which the browser may be sent to; else "/".
std::string safe_next(std::string_view wanted);

}  // namespace valetkey::console
