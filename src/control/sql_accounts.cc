// SPDX-License-Identifier: Apache-2.0
#include "control/internal/sql_tables.h"
#include "control/names.h"

namespace valetkey::control {
namespace {

Result<AccountState> parse_state(std::string_view text) {
  for (const auto state : {AccountState::active, AccountState::suspended, AccountState::deleted})
    if (text == name_of(state)) return state;
  return fail(ErrorCode::invalid, "an account's state");
}

// Ids are texts: 123 and 0123 would be two accounts, and a reader who takes them for numbers would
// mix them up. The index accounts_by_number has this expression.
Result<void> check_no_near_twin(Database& database, const AccountId& id) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT id FROM accounts WHERE ltrim(id, '0') = ltrim(?1, '0')"));
  VALETKEY_TRY(const bool found, find.bind(id.str()).step());
  if (!found) return {};
  return fail(ErrorCode::already_exists, "account " + id.str() + " would differ from account " +
                                             std::string(find.text(0)) +
                                             " only by zeros at its front; choose another id");
}

}  // namespace

Result<Account> read_account(const Statement& row) {
  VALETKEY_TRY(AccountId id, as_stored(AccountId::parse(row.text(0))));
  VALETKEY_TRY(const AccountState state, as_stored(parse_state(row.text(2))));
  return Account{std::move(id), std::string(row.text(1)), state, from_epoch_ms(row.integer(3))};
}

Result<Account> select_account(Database& database, const AccountId& id) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT id, name, state, created_ms FROM accounts WHERE id = ?1"));
  VALETKEY_TRY(const bool found, find.bind(id.str()).step());
  if (!found) return fail(ErrorCode::not_found, "there is no account " + id.str());
  return read_account(find);
}

Result<Account> insert_account(Database& database, const AccountId& id, std::string_view name,
                               Timestamp now) {
  VALETKEY_CHECK(check_name(name, 0, "an account's name"));
  if (const auto existing = select_account(database, id)) {
    return fail(ErrorCode::already_exists,
                existing->state == AccountState::deleted
                    ? "account " + id.str() + " was deleted; its id is not given again"
                    : "there is an account " + id.str() + " already");
  }
  VALETKEY_CHECK(check_no_near_twin(database, id));
  VALETKEY_TRY(Statement insert,
               database.prepare("INSERT INTO accounts (id, name, state, created_ms)"
                                " VALUES (?1, ?2, 'active', ?3)"));
  insert.bind(id.str(), name, epoch_ms(now));
  VALETKEY_CHECK(insert.run());
  VALETKEY_CHECK(count_change(database));
  return Account{id, std::string(name), AccountState::active, now};
}

Result<std::vector<Account>> select_accounts(Database& database) {
  VALETKEY_TRY(Statement list, database.prepare("SELECT id, name, state, created_ms FROM accounts"
                                                " ORDER BY length(id), id"));
  std::vector<Account> accounts;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return accounts;
    VALETKEY_TRY(Account account, read_account(list));
    accounts.push_back(std::move(account));
  }
}

Result<void> update_account_state(Database& database, const AccountId& id, AccountState state,
                                  Timestamp now) {
  VALETKEY_TRY(const Account account, select_account(database, id));
  if (account.state == state) return {};
  if (account.state == AccountState::deleted)
    return fail(ErrorCode::denied, "account " + id.str() + " was deleted; that is final");
  VALETKEY_TRY(Statement update, database.prepare("UPDATE accounts SET state = ?2 WHERE id = ?1"));
  VALETKEY_CHECK(update.bind(id.str(), name_of(state)).run());
  if (state == AccountState::deleted) VALETKEY_CHECK(revoke_tokens_of(database, id, now));
  if (state == AccountState::active) {
    VALETKEY_CHECK(allow_again(database, id.str(), now));
  } else {
    VALETKEY_CHECK(forbid(database, id.str(), now));
  }
  return count_change(database);
}

Result<void> update_account_name(Database& database, const AccountId& id, std::string_view name) {
  VALETKEY_CHECK(check_name(name, 0, "an account's name"));
  VALETKEY_TRY(const Account account, select_account(database, id));
  if (account.state == AccountState::deleted)
    return fail(ErrorCode::denied, "account " + id.str() + " was deleted; that is final");
  VALETKEY_TRY(Statement update, database.prepare("UPDATE accounts SET name = ?2 WHERE id = ?1"));
  return update.bind(id.str(), name).run();
}

Result<void> delete_account_rows(Database& database, const AccountId& id) {
  VALETKEY_TRY(const Account account, select_account(database, id));
  if (account.state != AccountState::deleted)
    return fail(ErrorCode::denied, "account " + id.str() + " is " +
                                       std::string(name_of(account.state)) + "; delete it first");
  VALETKEY_CHECK(delete_usage(database, id));
  // Children before what they refer to; of the tokens, which refer to each other, all at once.
  for (const char* sql :
       {"DELETE FROM tokens WHERE account = ?1",
        "DELETE FROM invitations WHERE invitations.user IN (SELECT id FROM users WHERE account = "
        "?1)",
        "DELETE FROM users WHERE account = ?1", "DELETE FROM policies WHERE account = ?1",
        "UPDATE accounts SET name = '' WHERE id = ?1"}) {
    VALETKEY_TRY(Statement forget, database.prepare(sql));
    VALETKEY_CHECK(forget.bind(id.str()).run());
  }
  return count_change(database);
}

}  // namespace valetkey::control
