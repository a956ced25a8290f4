// SPDX-License-Identifier: Apache-2.0
// Web sessions: rows of `tokens` of the kind 'session', so that what ends a token ends them, too.
#include "control/internal/sql_tables.h"

namespace valetkey::control {
namespace {

constexpr std::chrono::days kKept{30};  // after its end, for what was made in it

constexpr std::string_view kColumns =
    "SELECT tokens.id, tokens.user, tokens.created_ms, tokens.idle_ms, tokens.expires_ms,"
    " tokens.last_used_ms, tokens.last_used_from, tokens.revoked_ms, accounts.name, accounts.state"
    " FROM tokens LEFT JOIN accounts ON accounts.id = tokens.account"
    " WHERE tokens.kind = 'session'";

Result<WebSession> read_session(Database& database, const Statement& row) {
  VALETKEY_TRY(TokenId id, as_stored(TokenId::parse(row.text(0))));
  VALETKEY_TRY(const UserId user_id, as_stored(UserId::parse(row.text(1))));
  VALETKEY_TRY(User user, select_user(database, user_id));
  const Timestamp absolute = from_epoch_ms(row.integer(4));
  return WebSession{.id = std::move(id),
                    .user = std::move(user),
                    .account_name = row.optional_text(8).value_or(""),
                    .created = from_epoch_ms(row.integer(2)),
                    .expires = std::min(from_epoch_ms(row.integer(3)), absolute),
                    .absolute_expires = absolute,
                    .last_used = as_time(row.optional_integer(5)),
                    .last_used_from = row.optional_text(6).value_or("")};
}

// Those that ended long ago, and the oldest of a user who has too many.
Result<void> make_room(Database& database, const UserId& user, Timestamp now) {
  VALETKEY_TRY(Statement forget,
               database.prepare("DELETE FROM tokens WHERE kind = 'session' AND tokens.user = ?1"
                                " AND (idle_ms < ?2 OR expires_ms < ?2) AND NOT EXISTS"
                                " (SELECT 1 FROM tokens AS made WHERE made.parent = tokens.id)"));
  VALETKEY_CHECK(forget.bind(user.str(), epoch_ms(now - kKept)).run());
  VALETKEY_TRY(const auto living, select_sessions(database, user, now));
  for (std::size_t i = 0; i + kMaxSessionsOfUser <= living.size(); ++i)
    VALETKEY_CHECK(revoke_session(database, user, living[i].id, now));
  return {};
}

Result<void> check_person(Database& database, const User& user) {
  if (user.state != UserState::active)
    return fail(ErrorCode::denied, "user " + user.email + " is disabled");
  if (!user.account) return {};
  VALETKEY_TRY(const Account account, select_account(database, *user.account));
  if (account.state == AccountState::active) return {};
  return fail(ErrorCode::denied,
              "account " + account.id.str() + " is " + std::string(name_of(account.state)));
}

}  // namespace

Result<WebSession> insert_session(Database& database, const NewSession& wanted,
                                  std::string_view sha256, Timestamp now) {
  VALETKEY_TRY(User user, select_user(database, wanted.user));
  VALETKEY_CHECK(check_person(database, user));
  VALETKEY_CHECK(make_room(database, user.id, now));
  const TokenId id = wanted.id.value_or(make_token_id());
  VALETKEY_TRY(Statement used, database.prepare("SELECT 1 FROM tokens WHERE id = ?"));
  VALETKEY_TRY(const bool there, used.bind(id.str()).step());
  if (there) return fail(ErrorCode::already_exists, "session " + id.str() + " was opened before");
  const std::string_view scopes = user.account ? "export,tokens,users,audit" : "accounts";
  VALETKEY_TRY(
      Statement insert,
      database.prepare("INSERT INTO tokens (id, sha256, account, \"user\", kind, name, scopes,"
                       " created_ms, idle_ms, expires_ms, last_used_ms, last_used_from)"
                       " VALUES (?1, ?2, ?3, ?4, 'session', 'console', ?5, ?6, ?7, ?8, ?6,"
                       " ?9)"));
  const std::optional<std::string> account = as_text(user.account);
  VALETKEY_CHECK(insert
                     .bind(id.str(), Blob{sha256}, account, user.id.str(), scopes, epoch_ms(now),
                           epoch_ms(wanted.expires), epoch_ms(wanted.absolute_expires), wanted.from)
                     .run());
  std::string name;
  if (user.account) {
    VALETKEY_TRY(const Account of, select_account(database, *user.account));
    name = of.name;
  }
  return WebSession{.id = id,
                    .user = std::move(user),
                    .account_name = std::move(name),
                    .created = now,
                    .expires = std::min(wanted.expires, wanted.absolute_expires),
                    .absolute_expires = wanted.absolute_expires,
                    .last_used = now,
                    .last_used_from = wanted.from};
}

Result<SessionAnswer> select_session(Database& database, std::string_view sha256, Timestamp now) {
  VALETKEY_TRY(Statement find, database.prepare(std::string(kColumns) + " AND tokens.sha256 = ?"));
  VALETKEY_TRY(const bool found, find.bind(Blob{sha256}).step());
  if (!found) return SessionAnswer(std::unexpected(TokenRefusal::unknown));
  VALETKEY_TRY(WebSession session, read_session(database, find));
  if (find.optional_integer(7)) return SessionAnswer(std::unexpected(TokenRefusal::revoked));
  if (session.expires <= now) return SessionAnswer(std::unexpected(TokenRefusal::expired));
  if (session.user.state != UserState::active)
    return SessionAnswer(std::unexpected(TokenRefusal::user_disabled));
  if (session.user.account && find.text(9) != name_of(AccountState::active))
    return SessionAnswer(std::unexpected(TokenRefusal::account_suspended));
  return SessionAnswer(std::move(session));
}

Result<void> update_session(Database& database, const TokenId& id, Timestamp expires,
                            std::string_view from, Timestamp now) {
  VALETKEY_TRY(
      Statement update,
      database.prepare("UPDATE tokens SET idle_ms = CASE WHEN idle_ms > ?2 THEN idle_ms ELSE ?2"
                       " END, last_used_ms = ?3,"
                       " last_used_from = ?4 WHERE id = ?1 AND kind = 'session'"));
  return update.bind(id.str(), epoch_ms(expires), epoch_ms(now), from).run();
}

Result<std::vector<WebSession>> select_sessions(Database& database, const UserId& user,
                                                Timestamp now) {
  VALETKEY_TRY(Statement list, database.prepare(std::string(kColumns) +
                                                " AND tokens.user = ?1 AND revoked_ms IS NULL"
                                                " AND idle_ms > ?2 AND tokens.expires_ms > ?2"
                                                " ORDER BY tokens.created_ms, tokens.id"));
  list.bind(user.str(), epoch_ms(now));
  std::vector<WebSession> sessions;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return sessions;
    VALETKEY_TRY(WebSession session, read_session(database, list));
    sessions.push_back(std::move(session));
  }
}

Result<std::uint64_t> revoke_session(Database& database, const UserId& user, const TokenId& id,
                                     Timestamp now) {
  VALETKEY_TRY(
      Statement revoke,
      database.prepare("UPDATE tokens SET revoked_ms = ?3 WHERE id = ?1 AND tokens.user = ?2"
                       " AND kind = 'session' AND revoked_ms IS NULL"));
  VALETKEY_CHECK(revoke.bind(id.str(), user.str(), epoch_ms(now)).run());
  if (database.changes() == 0) return 0;
  VALETKEY_CHECK(forbid(database, id.str(), now));
  VALETKEY_CHECK(count_change(database));
  return 1;
}

Result<std::uint64_t> revoke_sessions(Database& database, const UserId& user,
                                      const std::optional<TokenId>& but, Timestamp now) {
  VALETKEY_TRY(const auto living, select_sessions(database, user, now));
  std::uint64_t ended = 0;
  for (const WebSession& session : living) {
    if (session.id == but) continue;
    VALETKEY_TRY(const std::uint64_t one, revoke_session(database, user, session.id, now));
    ended += one;
  }
  return ended;
}

}  // namespace valetkey::control
