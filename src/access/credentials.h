// SPDX-License-Identifier: Apache-2.0
// Temporary credentials: how they are minted, and how a session token is opened again. Stateless,
// pure but for the keyring and the random source; thread-safe. docs/formats.md, "Session token";
// docs/security.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/scope.h"
#include "base/ids.h"
#include "base/keyring.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "control/control_store.h"

namespace valetkey::access {

// Where the data lies that credentials open.
struct Place {
  std::string bucket;
  std::string prefix;    // ends in '/'
  std::string endpoint;  // of S3; empty: AWS's own
  std::string region;
  friend bool operator==(const Place&, const Place&) = default;
};

struct Credentials {
  std::string access_key_id;
  Secret secret_access_key;
  Secret session_token;
  Timestamp expires;
  // Shared by all credentials of an account; null: this server's own endpoint and the account's
  // prefix of it.
  std::shared_ptr<const Place> place{};
};

// Whose sessions are to end: an account's, or those of some of its tokens.
struct Cut {
  AccountId account;
  std::vector<TokenId> tokens{};  // empty: all of the account
};
// What became of them.
struct CutOff {
  bool at_once = false;  // they are refused from now on, within seconds
  // More than was asked for: those of the whole account had to end.
  bool whole_account = false;
  // Accounts besides that lost all of theirs, to make room for what was asked for.
  std::vector<AccountId> others{};
};

// The seam: who mints credentials. Thread-safe. Its implementations pass issuer_conformance.h.
class CredentialIssuer {
 public:
  virtual ~CredentialIssuer() = default;
  // How many calls may wait for another service at once; 0: none ever waits, and issue_at_once()
  // always answers.
  virtual unsigned calls_at_once() const = 0;
  // The shortest session that it can give. A token that ends sooner gets none.
  virtual milliseconds min_life() const = 0;
  // Whether its sessions are refused within a second of a revocation. False: they live to their end
  // unless they are cut off.
  virtual bool follows_revocation() const = 0;

  // What issue() answers, where that needs no waiting. Nothing: call it where it may block.
  virtual std::optional<Result<Credentials>> issue_at_once(const control::TokenGrant& grant,
                                                           milliseconds duration,
                                                           Timestamp now) = 0;
  // Expires at the smaller of now + duration and the grant's own expiry. `denied` where the grant
  // lacks the scope `export`, has expired or ends sooner than min_life(), `invalid` for a duration
  // that is not positive or longer than any session may live, or as check_narrowing(), `unavailable`
  // with a sentence that clients may read, `busy` where a retry a little later may succeed.
  virtual Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                                    Timestamp now) = 0;

  // What its sessions can be held to, if a token is limited so.
  struct Holds {
    bool prefixes = true, sources = true;
  };
  virtual Holds holds() const { return {}; }

  // Where its sessions of the account read; null: at this server's own endpoint.
  virtual Result<std::shared_ptr<const Place>> place(const AccountId&) {
    return std::shared_ptr<const Place>();
  }

  // Makes, and repairs, what the account needs before its first session. Repeating it is fine.
  virtual Result<void> open_account(const AccountId& account, Timestamp now) = 0;
  // Ends the sessions that are out, as far as it can. Tokens are refused by the control store.
  virtual Result<CutOff> cut_off(const Cut& cut, Timestamp now) = 0;
  // `invalid`, with a sentence for clients, where it could not hold sessions of the account to these
  // limits. Then it gives none.
  virtual Result<void> check_narrowing(const AccountId& account,
                                       const control::Narrowing& narrowing) = 0;
};

// Its sessions are sealed with the server's own keys, and end within a second of a revocation.
class SealedIssuer final : public CredentialIssuer {
 public:
  explicit SealedIssuer(const KeySource& keys) : keys_(keys) {}
  unsigned calls_at_once() const override { return 0; }
  milliseconds min_life() const override { return milliseconds(1); }
  bool follows_revocation() const override { return true; }
  std::optional<Result<Credentials>> issue_at_once(const control::TokenGrant& grant,
                                                   milliseconds duration, Timestamp now) override {
    return issue(grant, duration, now);
  }
  Result<Credentials> issue(const control::TokenGrant& grant, milliseconds duration,
                            Timestamp now) override;
  Result<void> open_account(const AccountId&, Timestamp) override { return {}; }
  Result<CutOff> cut_off(const Cut&, Timestamp) override { return CutOff{.at_once = true}; }
  Result<void> check_narrowing(const AccountId&, const control::Narrowing&) override { return {}; }

 private:
  const KeySource& keys_;
};

// What every issuer refuses before it calls an engine, and when the session would end.
Result<Timestamp> end_of_session(const control::TokenGrant& grant, milliseconds duration,
                                 milliseconds min_life, Timestamp now);

Result<Scope, RefusedSession> open_session(const Keyring& keyring, std::string_view session_token,
                                           std::string_view access_key_id, Timestamp now);

inline constexpr std::size_t kMaxSessionTokenBytes = 2048;

}  // namespace valetkey::access
