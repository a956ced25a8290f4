// SPDX-License-Identifier: Apache-2.0
#include "control/names.h"
#include "control/sqlite_tables.h"

namespace valetkey::control {
namespace {

constexpr std::string_view kColumns =
    "SELECT id, account, user, name, scopes, created_ms, expires_ms, revoked_ms, parent FROM "
    "tokens";

Result<Token> read_token(const Statement& row) {
  VALETKEY_TRY(TokenId id, as_stored(TokenId::parse(row.text(0))));
  VALETKEY_TRY(AccountId account, as_stored(AccountId::parse(row.text(1))));
  VALETKEY_TRY(UserId user, as_stored(UserId::parse(row.text(2))));
  VALETKEY_TRY(const TokenScopes scopes, as_stored(TokenScopes::parse(row.text(4))));
  std::optional<TokenId> parent;
  if (const auto text = row.optional_text(8)) {
    VALETKEY_TRY(parent, as_stored(TokenId::parse(*text)));
  }
  return Token{std::move(id),
               std::move(account),
               std::move(user),
               std::string(row.text(3)),
               scopes,
               from_epoch_ms(row.integer(5)),
               as_time(row.optional_integer(6)),
               as_time(row.optional_integer(7)),
               std::move(parent)};
}

Result<void> check_owner(Connection& connection, const NewToken& wanted) {
  VALETKEY_TRY(const Account account, select_account(connection, wanted.account));
  if (account.state != AccountState::active)
    return fail(ErrorCode::denied,
                "account " + wanted.account.str() + " is " + std::string(name_of(account.state)));
  VALETKEY_TRY(const User user, select_user(connection, wanted.user));
  if (user.account != wanted.account)
    return fail(ErrorCode::invalid,
                "user " + user.email + " does not belong to account " + wanted.account.str());
  if (user.state != UserState::active)
    return fail(ErrorCode::denied, "user " + user.email + " is disabled");
  return {};
}

Result<void> check_within_parent(const NewToken& wanted, const Token& parent, Timestamp now) {
  if (parent.account != wanted.account)
    return fail(ErrorCode::denied, "a token creates tokens of its own account only");
  if (parent.revoked || (parent.expires && *parent.expires <= now))
    return fail(ErrorCode::denied, "token " + parent.id.str() + " is revoked or has expired");
  if (!wanted.scopes.within(parent.scopes))
    return fail(ErrorCode::denied,
                "a token gives no more than its own scopes, which are " + parent.scopes.str());
  if (parent.expires && (!wanted.expires || *wanted.expires > *parent.expires))
    return fail(ErrorCode::denied, "a token creates none that outlives it; it expires at " +
                                       format_iso8601(*parent.expires));
  return {};
}

Result<void> check_new_token(Connection& connection, const NewToken& wanted, Timestamp now) {
  VALETKEY_CHECK(check_name(wanted.name, 1, "a token's name"));
  if (wanted.scopes == TokenScopes{})
    return fail(ErrorCode::invalid, "a token needs at least one scope");
  if (wanted.expires && *wanted.expires <= now)
    return fail(ErrorCode::invalid, "a token's expiry must lie in the future");
  VALETKEY_CHECK(check_owner(connection, wanted));
  if (!wanted.parent) return {};
  VALETKEY_TRY(const Token parent, select_token(connection, *wanted.parent));
  return check_within_parent(wanted, parent, now);
}

// Why the token of this row does not authenticate. Columns as in select_grant().
std::optional<TokenRefusal> refusal_of(const Statement& row, Timestamp now) {
  const auto expires = as_time(row.optional_integer(4));
  if (row.text(8) == name_of(AccountState::deleted)) return TokenRefusal::account_deleted;
  if (row.optional_integer(5)) return TokenRefusal::revoked;
  if (expires && *expires <= now) return TokenRefusal::expired;
  if (row.text(8) != name_of(AccountState::active)) return TokenRefusal::account_suspended;
  if (row.text(7) != name_of(UserState::active)) return TokenRefusal::user_disabled;
  return std::nullopt;
}

Result<std::size_t> count_revoked(Connection& connection) {
  const auto revoked = static_cast<std::size_t>(connection.changed_rows());
  if (revoked > 0) VALETKEY_CHECK(count_change(connection));
  return revoked;
}

}  // namespace

Result<Token> select_token(Connection& connection, const TokenId& id) {
  VALETKEY_TRY(Statement find, connection.prepare(std::string(kColumns) + " WHERE id = ?1"));
  VALETKEY_TRY(const bool found, find.bind(1, id.str()).step());
  if (!found) return fail(ErrorCode::not_found, "there is no token " + id.str());
  return read_token(find);
}

Result<Token> insert_token(Connection& connection, const NewToken& wanted, std::string_view sha256,
                           Timestamp now) {
  VALETKEY_CHECK(check_new_token(connection, wanted, now));
  Token token{make_token_id(), wanted.account, wanted.user,  wanted.name, wanted.scopes, now,
              wanted.expires,  std::nullopt,   wanted.parent};
  VALETKEY_TRY(Statement insert,
               connection.prepare("INSERT INTO tokens (id, sha256, account, user, name, scopes,"
                                  " created_ms, expires_ms, parent)"
                                  " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  const std::string scopes = token.scopes.str();
  const std::optional<std::string> parent = as_text(token.parent);
  insert.bind(1, token.id.str()).bind_blob(2, sha256).bind(3, token.account.str());
  insert.bind(4, token.user.str()).bind(5, token.name).bind(6, scopes);
  insert.bind(7, epoch_ms(now)).bind_optional(8, as_ms(token.expires)).bind_optional(9, parent);
  VALETKEY_CHECK(insert.run());
  VALETKEY_CHECK(count_change(connection));
  return token;
}

Result<std::vector<Token>> select_tokens(Connection& connection,
                                         const std::optional<AccountId>& account,
                                         const std::optional<UserId>& user) {
  std::string sql = std::string(kColumns) + " WHERE true";
  if (account) sql += " AND account = ?1";
  if (user) sql += " AND user = ?2";
  VALETKEY_TRY(Statement list, connection.prepare(sql + " ORDER BY created_ms, id"));
  if (account) list.bind(1, account->str());
  if (user) list.bind(2, user->str());
  std::vector<Token> tokens;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return tokens;
    VALETKEY_TRY(Token token, read_token(list));
    tokens.push_back(std::move(token));
  }
}

Result<std::size_t> revoke_with_descendants(Connection& connection, const TokenId& id,
                                            Timestamp now) {
  VALETKEY_CHECK(select_token(connection, id));
  static constexpr std::string_view kFamily =
      "WITH RECURSIVE family (id) AS (SELECT ?1 UNION"
      " SELECT tokens.id FROM tokens JOIN family ON tokens.parent = family.id) ";
  // Before the tokens are marked: only what this call revokes gets a new row.
  VALETKEY_TRY(
      Statement refuse,
      connection.prepare(std::string(kFamily) + "INSERT OR REPLACE INTO revocations"
                                                " SELECT id, 9223372036854775807, ?2 FROM tokens"
                                                " WHERE id IN family AND revoked_ms IS NULL"));
  VALETKEY_CHECK(refuse.bind(1, id.str()).bind(2, epoch_ms(now)).run());
  VALETKEY_TRY(Statement revoke, connection.prepare(std::string(kFamily) +
                                                    "UPDATE tokens SET revoked_ms = ?2"
                                                    " WHERE id IN family AND revoked_ms IS NULL"));
  VALETKEY_CHECK(revoke.bind(1, id.str()).bind(2, epoch_ms(now)).run());
  return count_revoked(connection);
}

Result<std::size_t> revoke_tokens_of(Connection& connection, const AccountId& account,
                                     Timestamp now) {
  VALETKEY_TRY(Statement revoke, connection.prepare("UPDATE tokens SET revoked_ms = ?2"
                                                    " WHERE account = ?1 AND revoked_ms IS NULL"));
  VALETKEY_CHECK(revoke.bind(1, account.str()).bind(2, epoch_ms(now)).run());
  return count_revoked(connection);
}

Result<TokenAnswer> select_grant(Connection& connection, std::string_view sha256, Timestamp now) {
  VALETKEY_TRY(Statement find,
               connection.prepare("SELECT tokens.id, tokens.user, tokens.account, tokens.scopes,"
                                  " tokens.expires_ms, tokens.revoked_ms, users.role, users.state,"
                                  " accounts.state FROM tokens"
                                  " JOIN users ON users.id = tokens.user"
                                  " JOIN accounts ON accounts.id = tokens.account"
                                  " WHERE tokens.sha256 = ?1"));
  VALETKEY_TRY(const bool found, find.bind_blob(1, sha256).step());
  if (!found) return TokenAnswer(std::unexpected(RefusedToken{}));
  VALETKEY_TRY(TokenId token, as_stored(TokenId::parse(find.text(0))));
  VALETKEY_TRY(UserId user, as_stored(UserId::parse(find.text(1))));
  VALETKEY_TRY(AccountId account, as_stored(AccountId::parse(find.text(2))));
  if (const auto refusal = refusal_of(find, now))
    return TokenAnswer(std::unexpected(RefusedToken{*refusal, token, account}));
  VALETKEY_TRY(const TokenScopes scopes, as_stored(TokenScopes::parse(find.text(3))));
  VALETKEY_TRY(const Role role, as_stored(parse_role(find.text(6))));
  return TokenAnswer(TokenGrant{std::move(token), std::move(user), std::move(account), role, scopes,
                                as_time(find.optional_integer(4))});
}

}  // namespace valetkey::control
