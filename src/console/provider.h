// SPDX-License-Identifier: Apache-2.0
// Signing in at an identity provider: away with the browser, and back. What it left with is kept here
// by its state, bound to that browser by a cookie, for ten minutes and one use. Users exist
// beforehand. Thread-safe; every call may wait for the provider.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "console/call.h"
#include "console/sign_in.h"
#include "oidc/relying_party.h"

namespace valetkey::console {

inline constexpr std::size_t kMaxAway =
    4096;  // browsers; then the one that left first is forgotten

class Provider {
 public:
  Provider(control::ControlStore& store, SignIn& sign_in, oidc::RelyingParty& party)
      : store_(store), sign_in_(sign_in), party_(party) {}
  Answer<Reply> start(const Call& call);  // ?next=
  Answer<Reply> finish(const Call& call);

 private:
  struct Away {
    oidc::Begun begun;
    std::string browser;  // the digest of its cookie
    std::string next;
    Timestamp left;
  };
  void keep(Away away);
  std::optional<Away> take(const std::string& state, std::string_view cookie, Timestamp now);

  control::ControlStore& store_;
  SignIn& sign_in_;
  oidc::RelyingParty& party_;
  std::mutex mutex_;
  std::map<std::string, Away> away_;  // by state
  std::deque<std::string> order_;
};

// A path of the console itself, which the browser may be sent to; else "/".
std::string safe_next(std::string_view wanted);

}  // namespace valetkey::console
