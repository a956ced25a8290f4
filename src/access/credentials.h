// SPDX-License-Identifier: Apache-2.0
// Temporary credentials: how they are minted, and how a session token is opened again. Stateless,
// pure but for the keyring and the random source; thread-safe. docs/formats.md, "Session token";
// docs/security.md.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/keyring.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "control/control_store.h"

namespace valetkey::access {

struct Credentials {
  AccessKeyId access_key_id;
  Secret secret_access_key;
  Secret session_token;
  Timestamp expires;
};

// The seam: who mints credentials. The implementation is SealedIssuer.
class CredentialIssuer {
 public:
  virtual ~CredentialIssuer() = default;
  virtual bool blocks() const = 0;  // true: call it from the blocking pool
  // Expires at the smaller of now + duration and the grant's own expiry. `denied` where the grant
  // lacks the scope `export` or has expired, `invalid` for a duration that is not positive or
  // longer than any session may live, `unavailable` with a sentence that clients may read.
  virtual Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                                    Timestamp now) = 0;
};

// What a session token says. Sealed with AES-256-GCM, so its holder can neither read nor alter it.
struct Claims {
  AccessKeyId access_key_id;
  AccountId account;
  UserId user;
  TokenId token;
  Timestamp issued;
  Timestamp expires;
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

class SealedIssuer final : public CredentialIssuer {
 public:
  explicit SealedIssuer(const KeySource& keys) : keys_(keys) {}
  bool blocks() const override { return false; }
  Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                            Timestamp now) override;

 private:
  const KeySource& keys_;
};

Result<Scope, RefusedSession> open_session(const Keyring& keyring, std::string_view session_token,
                                           std::string_view access_key_id, Timestamp now);

inline constexpr std::size_t kMaxSessionTokenBytes = 2048;

}  // namespace valetkey::access
