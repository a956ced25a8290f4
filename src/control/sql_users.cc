// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_tables.h"
#include "control/names.h"

namespace valetkey::control {
namespace {

Result<UserState> parse_state(std::string_view text) {
  for (const auto state : {UserState::active, UserState::disabled})
    if (text == name_of(state)) return state;
  return fail(ErrorCode::invalid, "a user's state");
}

// Columns: id, email, account, role, state, created_ms, whether there is a password.
Result<User> read_user(const Statement& row) {
  VALETKEY_TRY(UserId id, as_stored(UserId::parse(row.text(0))));
  std::optional<AccountId> account;
  if (const auto text = row.optional_text(2)) {
    VALETKEY_TRY(account, as_stored(AccountId::parse(*text)));
  }
  VALETKEY_TRY(const Role role, as_stored(parse_role(row.text(3))));
  VALETKEY_TRY(const UserState state, as_stored(parse_state(row.text(4))));
  return User{std::move(id), std::string(row.text(1)),      std::move(account), role,
              state,         from_epoch_ms(row.integer(5)), row.integer(6) != 0};
}

Result<User> select_one(Database& database, std::string_view sql, std::string_view key) {
  VALETKEY_TRY(Statement find, database.prepare(sql));
  VALETKEY_TRY(const bool found, find.bind(key).step());
  if (!found) return fail(ErrorCode::not_found, "there is no user " + std::string(key));
  return read_user(find);
}

Result<void> require_live_account(Database& database, const AccountId& id) {
  VALETKEY_TRY(const Account account, select_account(database, id));
  if (account.state != AccountState::deleted) return {};
  return fail(ErrorCode::denied, "account " + id.str() + " was deleted");
}

Result<void> check_role(const std::optional<AccountId>& account, Role role) {
  if ((role == Role::operator_) == !account) return {};
  return fail(ErrorCode::invalid, account ? "an operator belongs to no account"
                                          : "a user who is no operator needs an account");
}

}  // namespace

Result<User> select_user(Database& database, const UserId& id) {
  return select_one(database,
                    "SELECT id, email, account, role, state, created_ms, password IS NOT NULL FROM "
                    "users WHERE id = ?1",
                    id.str());
}

Result<User> select_user_by_email(Database& database, std::string_view email) {
  VALETKEY_TRY(const std::string normal, normalise_email(email));
  return select_one(database,
                    "SELECT id, email, account, role, state, created_ms, password IS NOT NULL FROM "
                    "users WHERE email = ?1",
                    normal);
}

Result<User> insert_user(Database& database, std::string_view email,
                         const std::optional<AccountId>& account, Role role, Timestamp now) {
  VALETKEY_TRY(std::string normal, normalise_email(email));
  VALETKEY_CHECK(check_role(account, role));
  if (account) VALETKEY_CHECK(require_live_account(database, *account));
  if (select_user_by_email(database, normal))
    return fail(ErrorCode::already_exists, "there is a user " + normal + " already");
  User user{make_user_id(), std::move(normal), account, role, UserState::active, now};
  VALETKEY_TRY(Statement insert,
               database.prepare("INSERT INTO users (id, email, account, role, state, created_ms)"
                                " VALUES (?1, ?2, ?3, ?4, 'active', ?5)"));
  const std::optional<std::string> account_text = as_text(account);
  insert.bind(user.id.str(), user.email, account_text, name_of(role), epoch_ms(now));
  VALETKEY_CHECK(insert.run());
  VALETKEY_CHECK(count_change(database));
  return user;
}

Result<std::vector<User>> select_users(Database& database,
                                       const std::optional<AccountId>& account) {
  const std::optional<std::string> account_text = as_text(account);
  VALETKEY_TRY(
      Statement list,
      database.prepare(
          account ? "SELECT id, email, account, role, state, created_ms, password IS NOT NULL"
                    " FROM users WHERE account = ?1 ORDER BY email"
                  : "SELECT id, email, account, role, state, created_ms, password IS NOT NULL"
                    " FROM users ORDER BY email"));
  if (account_text) list.bind(*account_text);
  std::vector<User> users;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return users;
    VALETKEY_TRY(User user, read_user(list));
    users.push_back(std::move(user));
  }
}

Result<std::vector<Person>> select_people(Database& database,
                                          const std::optional<AccountId>& account, Timestamp now) {
  VALETKEY_TRY(
      Statement list,
      database.prepare(
          "SELECT id, email, account, role, state, created_ms, password IS NOT NULL,"
          " (SELECT count(*) FROM tokens WHERE tokens.user = users.id AND kind = 'personal'"
          " AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > ?2)),"
          " (SELECT count(*) FROM tokens WHERE tokens.user = users.id AND kind = 'session'"
          " AND revoked_ms IS NULL AND idle_ms > ?2 AND expires_ms > ?2),"
          " (SELECT max(last_used_ms) FROM tokens WHERE tokens.user = users.id),"
          " (SELECT expires_ms FROM invitations WHERE invitations.user = users.id"
          " AND expires_ms > ?2) FROM users WHERE account IS NOT DISTINCT FROM ?1 ORDER BY email"));
  const auto account_text = as_text(account);
  list.bind(account_text, epoch_ms(now));
  std::vector<Person> people;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return people;
    VALETKEY_TRY(User user, read_user(list));
    people.push_back({.user = std::move(user),
                      .tokens = static_cast<std::uint64_t>(list.integer(7)),
                      .sessions = static_cast<std::uint64_t>(list.integer(8)),
                      .last_seen = as_time(list.optional_integer(9)),
                      .invited_until = as_time(list.optional_integer(10))});
  }
}

Result<std::vector<Token>> update_user_state(Database& database, const UserId& id, UserState state,
                                             Timestamp now) {
  VALETKEY_TRY(const User user, select_user(database, id));
  std::vector<Token> ended;
  if (user.state == state) return ended;
  VALETKEY_TRY(Statement update, database.prepare("UPDATE users SET state = ?2 WHERE id = ?1"));
  VALETKEY_CHECK(update.bind(id.str(), name_of(state)).run());
  if (state == UserState::active) {
    VALETKEY_CHECK(allow_again(database, id.str(), now));
  } else {
    VALETKEY_CHECK(forbid(database, id.str(), now));
    VALETKEY_CHECK(revoke_sessions(database, id, {}, now));
    VALETKEY_CHECK(delete_invitation(database, id));
    VALETKEY_TRY(ended, revoke_created_for_others(database, id, now));
  }
  VALETKEY_CHECK(count_change(database));
  return ended;
}

Result<std::vector<Token>> update_user_role(Database& database, const UserId& id, Role role,
                                            Timestamp now) {
  VALETKEY_TRY(const User user, select_user(database, id));
  VALETKEY_CHECK(check_role(user.account, role));
  std::vector<Token> ended;
  if (user.role == role) return ended;
  VALETKEY_TRY(Statement update, database.prepare("UPDATE users SET role = ?2 WHERE id = ?1"));
  VALETKEY_CHECK(update.bind(id.str(), name_of(role)).run());
  if (role == Role::member) {
    VALETKEY_TRY(ended, revoke_created_for_others(database, id, now));
  }
  VALETKEY_CHECK(count_change(database));
  return ended;
}

}  // namespace valetkey::control
