// SPDX-License-Identifier: Apache-2.0
// A scope, which only an opened session token gives, and the decision: what it allows. Pure. Everything
// not named here is denied. The addresses that a request may come from are checked by
// claims().narrowing.admits().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/keyring.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "control/narrowing.h"

namespace valetkey::access {

// What a session token says. Sealed with AES-256-GCM, so its holder can neither read nor alter it.
struct Claims {
  AccessKeyId access_key_id;
  AccountId account;
  UserId user;
  TokenId token;
  Timestamp issued;
  Timestamp expires;
  control::Narrowing narrowing{};  // the token's
};

enum class SessionRefusal : std::uint8_t {
  malformed,  // not our form, tampered, unknown or retired key, or not of this access key id
  expired,
};

// `claims` where the token was ours and only its time was over: for logs, never a proof.
struct RefusedSession {
  SessionRefusal why = SessionRefusal::malformed;
  std::optional<Claims> claims{};
  friend bool operator==(const RefusedSession& refused, SessionRefusal other) {
    return refused.why == other;
  }
};

// Proof that a session token was opened, was of this access key id and had not expired. Only
// open_session() makes one. It says whose data may be read, not that the request was signed.
class Scope {
 public:
  const Claims& claims() const { return claims_; }
  const AccountId& account() const { return claims_.account; }
  const std::string& prefix() const { return prefix_; }  // "v1/account_id=<id>/"
  const Secret& secret_access_key() const { return secret_; }

 private:
  friend Result<Scope, RefusedSession> open_session(const Keyring&, std::string_view,
                                                    std::string_view, Timestamp);
  Scope(Claims claims, Secret secret);
  Claims claims_;
  std::string prefix_;
  Secret secret_;
};

enum class Action : std::uint8_t {
  head_bucket,
  get_bucket_location,
  list,  // `resource` is the prefix parameter
  read,  // `resource` is the decoded key
};
enum class Decision : std::uint8_t {
  allow,
  deny,
  deny_missing_slash,  // a list of the own prefix without its last slash: say so
  not_found,           // read of exactly the own prefix without its slash (rclone asks): 404
};

// What may be listed and read: the account's prefix, or, of a token that is limited to some, those.
std::vector<std::string> prefixes_of(const Scope& scope);
Decision allows(const Scope& scope, Action action, std::string_view resource);

}  // namespace valetkey::access
