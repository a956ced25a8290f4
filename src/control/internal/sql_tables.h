// SPDX-License-Identifier: Apache-2.0
// The statements behind ControlStore, table by table, on a given connection, of SQLite or PostgreSQL. Those that write
// expect to run inside a Transaction that no other writer's overlaps; contracts are those of ControlStore.
#pragma once

#include "control/control_store.h"
#include "sql/database.h"

namespace valetkey::control {

using sql::Blob;
using sql::Database;
using sql::Statement;
using sql::Transaction;

// sql_accounts.cc
Result<Account> insert_account(Database&, const AccountId&, std::string_view name, Timestamp now);
Result<Account> select_account(Database&, const AccountId&);
Result<Account> read_account(const Statement& row);  // id, name, state, created_ms
Result<std::vector<Account>> select_accounts(Database&);
Result<void> update_account_state(Database&, const AccountId&, AccountState, Timestamp now);
Result<void> update_account_name(Database&, const AccountId&, std::string_view name);
Result<void> delete_account_rows(Database&, const AccountId&);

// sql_policies.cc
Result<AccountPolicy> select_policy(Database&, const AccountId&);
Result<std::vector<AccountWithPolicy>> select_accounts_with_policies(Database&);
Result<void> upsert_policy(Database&, const AccountId&, const AccountPolicy&, Timestamp now);

// sql_cut_offs.cc
Result<CutOffs> select_cut_offs(Database&, std::string_view role);
Result<bool> upsert_cut_offs(Database&, std::string_view role, std::int64_t version,
                             std::string_view policy);

// sql_users.cc
Result<User> insert_user(Database&, std::string_view email, const std::optional<AccountId>&, Role,
                         Timestamp now);
Result<User> select_user(Database&, const UserId&);
Result<User> select_user_by_email(Database&, std::string_view email);
Result<std::vector<User>> select_users(Database&, const std::optional<AccountId>&);
Result<std::vector<Token>> update_user_state(Database&, const UserId&, UserState, Timestamp now);
Result<std::vector<Token>> update_user_role(Database&, const UserId&, Role, Timestamp now);

Result<std::vector<Person>> select_people(Database&, const std::optional<AccountId>&,
                                          Timestamp now);

// sql_passwords.cc
Result<std::string> select_password(Database&, const UserId&);
Result<void> update_password(Database&, const UserId&, std::string_view hash);
Result<void> upsert_invitation(Database&, const UserId&, std::string_view sha256,
                               Timestamp expires);
Result<Invitation> select_invitation(Database&, std::string_view sha256, Timestamp now);
Result<User> use_invitation(Database&, std::string_view sha256, std::string_view hash,
                            Timestamp now);
Result<void> delete_invitation(Database&, const UserId&);

// sql_sessions.cc
Result<WebSession> insert_session(Database&, const NewSession&, std::string_view sha256,
                                  Timestamp now);
Result<SessionAnswer> select_session(Database&, std::string_view sha256, Timestamp now);
Result<void> update_session(Database&, const TokenId&, Timestamp expires, std::string_view from,
                            Timestamp now);
Result<std::vector<WebSession>> select_sessions(Database&, const UserId&, Timestamp now);
Result<std::uint64_t> revoke_session(Database&, const UserId&, const TokenId&, Timestamp now);
Result<std::uint64_t> revoke_sessions(Database&, const UserId&, const std::optional<TokenId>& but,
                                      Timestamp now);

// sql_tokens.cc
Result<Token> insert_token(Database&, const NewToken&, std::string_view sha256, Timestamp now);
Result<Token> select_token(Database&, const TokenId&);  // of any kind
Result<Token> select_personal_token(Database&, const TokenId&);
Result<Token> exchange_token(Database&, const TokenId& old, const NewToken&,
                             std::string_view sha256, Timestamp ends, Timestamp now);
Result<std::vector<Token>> select_tokens(Database&, const std::optional<AccountId>&,
                                         const std::optional<UserId>&);
Result<std::vector<Token>> select_tokens_page(Database&, const TokenPage&);
Result<std::vector<Token>> revoke_with_descendants(Database&, const TokenId&, Timestamp now);
// What the tokens of `user` created for others, and all that descends from it.
Result<std::vector<Token>> revoke_created_for_others(Database&, const UserId& user, Timestamp now);
Result<void> revoke_tokens_of(Database&, const AccountId&, Timestamp now);
Result<TokenAnswer> select_grant(Database&, std::string_view sha256, Timestamp now);
Result<OperatorAnswer> select_operator_grant(Database&, std::string_view sha256, Timestamp now);

// sql_revocations.cc
// Refuses every session of `subject` from now on, until allow_again().
Result<void> forbid(Database&, std::string_view subject, Timestamp now);
// Sessions issued from `now` on count again; earlier ones stay refused.
Result<void> allow_again(Database&, std::string_view subject, Timestamp now);
Result<void> revoke_sessions_of(Database&, const AccountId&, Timestamp now);
Result<std::vector<Revocation>> select_revocations(Database&, Timestamp newer_than,
                                                   std::uint64_t changed_after);
Result<void> count_change(Database&);
Result<std::uint64_t> select_change_counter(Database&);

// sql_usage.cc
Result<void> upsert_usage(Database&, const std::vector<DayOfUsage>&, const std::vector<TokenUse>&);
Result<std::vector<DayOfUsage>> select_usage(Database&, const std::optional<AccountId>&, Date since,
                                             Date until);
// And lets none be added any more.
Result<void> delete_usage(Database&, const AccountId&);

// A value that was checked before it was stored: if it no longer parses, the database was altered.
template <class T>
Result<T> as_stored(Result<T> parsed) {
  if (!parsed)
    return fail(
        ErrorCode::corrupt,
        "the control store holds a bad value; restore it from a backup: " + parsed.error().detail);
  return parsed;
}

inline std::optional<Timestamp> as_time(std::optional<std::int64_t> ms) {
  if (!ms) return std::nullopt;
  return from_epoch_ms(*ms);
}
inline std::optional<std::int64_t> as_ms(std::optional<Timestamp> t) {
  if (!t) return std::nullopt;
  return epoch_ms(*t);
}
template <class T>
std::optional<std::string> as_text(const std::optional<T>& id) {
  if (!id) return std::nullopt;
  return id->str();
}

}  // namespace valetkey::control
