// SPDX-License-Identifier: Apache-2.0
// The seam for accounts, users, tokens and revocation. Synchronous, thread-safe, every call may
// block. sql_store.cc implements it over any sql::Pool: SQLite's (sqlite_store.h) and PostgreSQL's
// (postgres_store.h). Callers (api, console, the commands) decide who may do what, never the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "control/narrowing.h"
#include "control/revocations.h"

namespace valetkey::control {

enum class AccountState : std::uint8_t { active, suspended, deleted };
enum class UserState : std::uint8_t { active, disabled };
enum class Role : std::uint8_t { member, admin, operator_ };  // operator_: of the installation
std::string_view name_of(AccountState state);
std::string_view name_of(UserState state);
std::string_view name_of(Role role);
Result<Role> parse_role(std::string_view text);

// What a token may do, as a set. Written "export,tokens". Which of them a role can use is decided
// where they are used.
struct TokenScopes {
  bool export_ = false;   // exchange for credentials that read the export
  bool tokens = false;    // handle tokens over REST
  bool users = false;     // handle users and invitations
  bool audit = false;     // read the audit log and what is used
  bool accounts = false;  // of an operator, and of nobody else: handle accounts
  bool within(const TokenScopes& outer) const;
  std::vector<std::string_view> names() const;
  bool add(std::string_view name);  // false: unknown, or there already
  std::string str() const;
  // At least one, no unknown, no repeat, and `accounts` alone.
  static Result<TokenScopes> parse(std::string_view text);
  friend bool operator==(const TokenScopes&, const TokenScopes&) = default;
};

struct Account {
  AccountId id;
  std::string name;
  AccountState state = AccountState::active;
  Timestamp created;
};
struct User {
  UserId id;
  std::string email;                 // lower case; unique in the installation
  std::optional<AccountId> account;  // none: an operator
  Role role = Role::member;
  UserState state = UserState::active;
  Timestamp created;
  bool has_password = false;
};
enum class TokenKind : std::uint8_t {
  personal,
  session,  // of the web console: no list shows it, and no token's route takes it
};
struct Token {
  TokenId id;
  std::optional<AccountId> account;  // none: an operator's
  UserId user;
  std::string name;
  TokenScopes scopes;
  Timestamp created;
  std::optional<Timestamp> expires;
  std::optional<Timestamp> revoked;
  std::optional<TokenId> parent;  // the token that created it; revoking that one revokes this
  std::optional<Timestamp> last_used{};  // at most a minute behind
  std::string last_used_from{};          // the address block; empty: never used
  TokenKind kind = TokenKind::personal;
  std::optional<UserId> maker{};  // whose token or web session created it
  Narrowing narrowing{};
};

// "active", "revoked", "expired", or "disabled" with its owner.
std::string_view state_of(const Token& token, const User& owner, Timestamp now);

// A user with what an admin is shown of one.
struct Person {
  User user;
  std::uint64_t tokens = 0;                  // that count
  std::uint64_t sessions = 0;                // of the console, that live
  std::optional<Timestamp> last_seen{};      // the last use of any of them
  std::optional<Timestamp> invited_until{};  // of an invitation that was not yet accepted
};
struct Invitation {
  User user;
  Timestamp expires;
};

// A person at the web console. It ends at `expires`, which use moves on, and at the latest at
// `absolute_expires`.
struct WebSession {
  TokenId id;
  User user;
  std::string account_name;  // empty: an operator's
  Timestamp created;
  Timestamp expires;
  Timestamp absolute_expires;
  std::optional<Timestamp> last_used{};
  std::string last_used_from{};
};
struct NewSession {
  UserId user;
  Timestamp expires;
  Timestamp absolute_expires;
  std::string from;
  std::optional<TokenId> id{};  // of what may open one session only; none: a new one
};
inline constexpr std::size_t kMaxSessionsOfUser = 20;  // then the oldest ends

// A token that authenticates now, with what it may do now (scopes and its user's role).
struct TokenGrant {
  TokenId token;
  UserId user;
  AccountId account;
  Role role = Role::member;
  TokenScopes scopes;
  std::optional<Timestamp> expires;
  Narrowing narrowing{};
};
// Why a token does not authenticate. For logs and the audit; a client gets only 401.
enum class TokenRefusal : std::uint8_t {
  mistyped,  // form or checksum is wrong, which the client is told: nothing was looked up
  unknown,
  revoked,
  expired,
  user_disabled,
  account_suspended,
  account_deleted
};
std::string_view name_of(TokenRefusal refusal);
// With whose it was, where it is known: for logs.
struct RefusedToken {
  TokenRefusal why = TokenRefusal::unknown;
  std::optional<TokenId> token{};
  std::optional<AccountId> account{};
  friend bool operator==(const RefusedToken& refused, TokenRefusal other) {
    return refused.why == other;
  }
};
using TokenAnswer = std::expected<TokenGrant, RefusedToken>;
using SessionAnswer = std::expected<WebSession, TokenRefusal>;

// A token of an operator, who belongs to no account: a type of its own, so that nothing that reads
// an account's data can take it.
struct OperatorGrant {
  TokenId token;
  UserId user;
  TokenScopes scopes;
  std::optional<Timestamp> expires;
  Narrowing narrowing{};  // sources alone
};
using OperatorAnswer = std::expected<OperatorGrant, TokenRefusal>;

// How many tokens may count at once (neither revoked nor expired), and as many may be made within
// 24 hours: also who revokes what he makes makes no rows without end. 0: no limit.
struct TokenLimits {
  std::uint64_t per_user = 1'000;
  std::uint64_t per_account = 10'000;
};

struct NewToken {
  std::optional<AccountId> account;  // none: an operator's, whose one scope is `accounts`
  UserId user;
  std::string name;  // as check_name() takes it
  TokenScopes scopes;
  std::optional<Timestamp> expires;
  std::optional<TokenId> parent;
  TokenLimits limits;
  Narrowing narrowing{};  // within the parent's
};

// A stretch of an account's tokens, oldest first.
struct TokenPage {
  AccountId account;
  std::optional<UserId> user;    // only this one's
  std::optional<TokenId> after;  // the last token of the page before; `not_found`: not of this list
  std::size_t limit = 100;
};

// What an account has set for its events. The default is what an account without a policy has.
struct AccountPolicy {
  std::optional<std::chrono::days> retention;    // of its export; none: kept for good
  std::optional<std::string> ingest_key_sha256;  // raw 32 bytes; none: no key is asked for
  std::vector<std::string> origins;              // exact, of browsers; empty: all
  std::uint64_t events_per_s = 0;                // 0: no limit
  std::uint64_t bytes_per_day = 0;               // of request bodies, a UTC day; 0: no limit
  // Of a bucket that somebody else keeps, where the account's differ from the installation's.
  std::optional<std::string> bucket{}, prefix{};
  friend bool operator==(const AccountPolicy&, const AccountPolicy&) = default;
};

struct AccountWithPolicy {
  Account account;
  AccountPolicy policy;
};

// What an account used on one UTC day.
struct UsageCounts {
  std::uint64_t exchanges = 0;    // tokens for credentials
  std::uint64_t requests = 0;     // of its sessions to the S3 endpoint
  std::uint64_t bytes = 0;        // of bodies that those were sent
  std::uint64_t events = 0;       // taken in, those included that turn out to be duplicates
  std::uint64_t event_bytes = 0;  // of the bodies that brought them, unzipped
  UsageCounts& operator+=(const UsageCounts& other);
  friend bool operator==(const UsageCounts&, const UsageCounts&) = default;
};
struct DayOfUsage {
  AccountId account;
  Date day;
  UsageCounts counts{};
};
inline constexpr int kDaysOfUsage = 400;  // kept of each account, the newest

// The policy at an engine that cuts sessions of a shared role off.
struct CutOffs {
  std::int64_t version = 0;  // 0: nothing yet
  std::string policy;
};

struct TokenUse {
  TokenId token;
  Timestamp at;
  std::string from;  // an address block
};

class ControlStore {
 public:
  virtual ~ControlStore() = default;

  // `already_exists`; a deleted account's id is never given again, nor one that differs from
  // another only by zeros at its front.
  virtual Result<Account> create_account(const AccountId&, std::string_view name,
                                         Timestamp now) = 0;
  virtual Result<Account> account(const AccountId&) = 0;  // `not_found`
  virtual Result<std::vector<Account>> accounts() = 0;
  virtual Result<void> set_account_name(const AccountId&, std::string_view name) = 0;
  // Suspending and deleting revoke every session of the account; deleting revokes its tokens for
  // good. deleted is final (`denied`).
  virtual Result<void> set_account_state(const AccountId&, AccountState, Timestamp now) = 0;
  // Removes the users, tokens, usage and policy of a deleted account (else `denied`), and its name;
  // the id stays, so that nobody gets it again. Repeating it is fine.
  virtual Result<void> purge_account(const AccountId&) = 0;
  virtual Result<AccountPolicy> policy(const AccountId&) = 0;  // `not_found`: no such account
  // All of them in one question.
  virtual Result<std::vector<AccountWithPolicy>> accounts_with_policies() = 0;
  // Replaces the whole policy. `invalid`: a retention outside 1 to 36,500 days, a digest that is
  // not 32 bytes, an origin that is none, more than 100 of them, or a bucket or prefix longer than
  // 1,000 bytes. `denied`: a deleted account.
  virtual Result<void> set_policy(const AccountId&, const AccountPolicy&, Timestamp now) = 0;

  virtual Result<CutOffs> cut_offs(std::string_view role) = 0;
  // The next version, where `version` still is the last one; false: somebody wrote one meanwhile.
  virtual Result<bool> set_cut_offs(std::string_view role, std::int64_t version,
                                    std::string_view policy) = 0;

  virtual Result<User> create_user(std::string_view email, std::optional<AccountId>, Role,
                                   Timestamp now) = 0;
  virtual Result<User> user(const UserId&) = 0;
  virtual Result<User> user_by_email(std::string_view email) = 0;
  virtual Result<std::vector<User>> users(std::optional<AccountId>) = 0;  // none: all
  // A disabled user's own tokens and sessions are refused until the user is enabled again. Disabling
  // also revokes, for good, what the user's tokens created for others, and all that descends from
  // it: the user may know those. Returns what it revoked.
  virtual Result<std::vector<Token>> set_user_state(const UserId&, UserState, Timestamp now) = 0;
  // A user who is no admin any more loses, likewise, what was created for others.
  virtual Result<std::vector<Token>> set_user_role(const UserId&, Role, Timestamp now) = 0;

  // Of the account, or (none) of the operators; by address.
  virtual Result<std::vector<Person>> people(std::optional<AccountId>, Timestamp now) = 0;

  // As password.h hashes it; empty: the user has none.
  virtual Result<std::string> password(const UserId&) = 0;
  virtual Result<void> set_password(const UserId&, std::string_view hash) = 0;
  // Replaces what the user was invited with before. `denied`: the user is disabled.
  virtual Result<void> invite(const UserId&, std::string_view sha256, Timestamp expires) = 0;
  virtual Result<Invitation> invitation(std::string_view sha256, Timestamp now) = 0;  // `not_found`
  // Sets the password, uses the invitation up, and ends the user's sessions. `not_found`.
  virtual Result<User> accept_invitation(std::string_view sha256, std::string_view hash,
                                         Timestamp now) = 0;

  // `denied`: the user is disabled, or the account not active.
  virtual Result<WebSession> create_session(const NewSession&, std::string_view sha256,
                                            Timestamp now) = 0;
  virtual Result<SessionAnswer> session(std::string_view sha256, Timestamp now) = 0;
  virtual Result<void> touch_session(const TokenId&, Timestamp expires, std::string_view from,
                                     Timestamp now) = 0;
  virtual Result<std::vector<WebSession>> sessions(const UserId&, Timestamp now) = 0;  // that live
  // One, or all but one; how many that were. What credentials they bought ends as well, what tokens
  // were made in them goes on.
  virtual Result<std::uint64_t> end_session(const UserId&, const TokenId&, Timestamp now) = 0;
  virtual Result<std::uint64_t> end_sessions(const UserId&, const std::optional<TokenId>& but,
                                             Timestamp now) = 0;

  // Returns the row; the token itself is made by tokens.h and stored here as `sha256` only.
  // `denied`: its parent no longer counts, or may not create it; `too_large`: over the limits;
  // `invalid`: prefixes for a token that handles users or accounts, which prefixes do not bound.
  virtual Result<Token> create_token(const NewToken&, std::string_view sha256, Timestamp now) = 0;
  virtual Result<Token> token(const TokenId&) = 0;
  virtual Result<std::vector<Token>> tokens(std::optional<AccountId>, std::optional<UserId>) = 0;
  virtual Result<std::vector<Token>> tokens_page(const TokenPage&) = 0;
  // Revokes it and every token descended from it; returns those that it revoked, oldest first.
  // Repeating it is fine (none).
  virtual Result<std::vector<Token>> revoke_token(const TokenId&, Timestamp now) = 0;
  // Every session of the account that was issued until now is refused; its tokens stay.
  virtual Result<void> revoke_sessions(const AccountId&, Timestamp now) = 0;
  // A token in place of `old`: of the same user, account, scopes and limits. What `old` created hangs on the
  // new one from now on; `old` ends at `ends`, and never later than it did before. `denied`: it no
  // longer counts; `invalid`: what it created would outlive the new one.
  virtual Result<Token> replace_token(const TokenId& old, const NewToken&, std::string_view sha256,
                                      Timestamp ends, Timestamp now) = 0;
  virtual Result<OperatorAnswer> authenticate_operator(std::string_view sha256, Timestamp now) = 0;
  virtual Result<TokenAnswer> authenticate(std::string_view sha256, Timestamp now) = 0;

  // Grows with every change that can matter to a cache (not with usage). Cheap: polled 5 times a
  // second.
  virtual Result<std::uint64_t> change_counter() = 0;
  // Those that a change beyond counter `changed_after` made; older ones are of no session any more.
  virtual Result<std::vector<Revocation>> revocations(Timestamp newer_than,
                                                      std::uint64_t changed_after) = 0;

  // Adds to the sums, and moves last uses forward, never back. What is of an account or a token that
  // does not exist, or of an account that was purged, is left out.
  virtual Result<void> add_usage(const std::vector<DayOfUsage>&, const std::vector<TokenUse>&) = 0;
  // From `since` to `until`, both included; by account and day.
  virtual Result<std::vector<DayOfUsage>> usage(std::optional<AccountId>, Date since,
                                                Date until) = 0;
};

}  // namespace valetkey::control
