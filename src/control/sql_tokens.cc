// SPDX-License-Identifier: Apache-2.0
#include <limits>

#include "control/internal/sql_tables.h"
#include "control/names.h"

namespace valetkey::control {
namespace {

// A web session is nobody's parent to those who read.
constexpr std::string_view kColumns =
    "SELECT id, account, tokens.user, name, scopes, created_ms, expires_ms, revoked_ms,"
    " (SELECT above.id FROM tokens AS above WHERE above.id = tokens.parent"
    " AND above.kind = 'personal'), last_used_ms, last_used_from, kind,"
    " (SELECT above.user FROM tokens AS above WHERE above.id = tokens.parent),"
    " narrowing FROM tokens";

Result<Token> read_token(const Statement& row) {
  VALETKEY_TRY(TokenId id, as_stored(TokenId::parse(row.text(0))));
  std::optional<AccountId> account;
  if (const auto text = row.optional_text(1)) {
    VALETKEY_TRY(account, as_stored(AccountId::parse(*text)));
  }
  VALETKEY_TRY(UserId user, as_stored(UserId::parse(row.text(2))));
  VALETKEY_TRY(const TokenScopes scopes, as_stored(TokenScopes::parse(row.text(4))));
  std::optional<UserId> maker;
  if (const auto text = row.optional_text(12)) {
    VALETKEY_TRY(maker, as_stored(UserId::parse(*text)));
  }
  VALETKEY_TRY(Narrowing narrowing, Narrowing::parse(row.text(13)));
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
               std::move(parent),
               as_time(row.optional_integer(9)),
               std::string(row.optional_text(10).value_or("")),
               row.text(11) == "session" ? TokenKind::session : TokenKind::personal,
               std::move(maker),
               std::move(narrowing)};
}

Result<void> check_account(Database& database, const NewToken& wanted) {
  // An operator's token handles accounts and reads none; everybody else's is the other way round.
  const TokenScopes accounts{.accounts = true};
  if (wanted.account ? wanted.scopes.accounts : wanted.scopes != accounts)
    return fail(ErrorCode::invalid,
                "the scope accounts is for operators, whose tokens have no other");
  if (!wanted.account) return {};
  VALETKEY_TRY(const Account account, select_account(database, *wanted.account));
  if (account.state == AccountState::active) return {};
  return fail(ErrorCode::denied,
              "account " + account.id.str() + " is " + std::string(name_of(account.state)));
}

Result<void> check_owner(Database& database, const NewToken& wanted) {
  VALETKEY_CHECK(check_account(database, wanted));
  VALETKEY_TRY(const User user, select_user(database, wanted.user));
  if (user.account != wanted.account)
    return fail(ErrorCode::invalid,
                "user " + user.email + " does not belong to " +
                    (wanted.account ? "account " + wanted.account->str() : "the operators"));
  if (user.state != UserState::active)
    return fail(ErrorCode::denied, "user " + user.email + " is disabled");
  return {};
}

// The caller's grant may be older than a change of rights: what it was allowed then is asked again
// here, where no other change can come between.
Result<void> check_maker(Database& database, const NewToken& wanted, const Token& parent) {
  VALETKEY_TRY(const User maker, select_user(database, parent.user));
  if (maker.state != UserState::active)
    return fail(ErrorCode::denied, "user " + maker.email + " is disabled");
  if (wanted.user != maker.id && maker.role == Role::member)
    return fail(ErrorCode::denied, "user " + maker.email + " is no admin of the account");
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
  if (!wanted.narrowing.within(parent.narrowing))
    return fail(ErrorCode::denied,
                "a token opens no more than it does itself: " + parent.narrowing.words());
  // What a person makes at the web console is theirs, and outlives the session.
  if (parent.kind == TokenKind::session) return {};
  if (parent.expires && (!wanted.expires || *wanted.expires > *parent.expires))
    return fail(ErrorCode::denied, "a token creates none that outlives it; it expires at " +
                                       format_iso8601(*parent.expires));
  return {};
}

struct Holder {
  std::string column;  // of tokens: account or user
  std::string id;
};

Result<std::uint64_t> count_tokens(Database& database, const std::string& sql, const Holder& holder,
                                   Timestamp at) {
  VALETKEY_TRY(Statement count, database.prepare(sql));
  VALETKEY_CHECK(count.bind(holder.id, epoch_ms(at)).step());
  return static_cast<std::uint64_t>(count.integer(0));
}

Result<void> check_limit(Database& database, const Holder& holder, std::uint64_t most,
                         Timestamp now) {
  if (most == 0) return {};
  const std::string of = "SELECT count(*) FROM tokens WHERE kind = 'personal' AND tokens." +
                         holder.column + " = ?1 AND ";
  VALETKEY_TRY(const auto counting,
               count_tokens(database,
                            "SELECT (" + of + "revoked_ms IS NULL AND expires_ms IS NULL) + (" +
                                of + "revoked_ms IS NULL AND expires_ms > ?2)",
                            holder, now));
  const std::string limit = std::to_string(most) + (most == 1 ? " token" : " tokens");
  if (counting >= most)
    return fail(ErrorCode::too_large, "the " + holder.column + " has " + limit +
                                          " that count, as many as it may have: revoke some");
  VALETKEY_TRY(const auto today, count_tokens(database, of + "created_ms > ?2", holder,
                                              now - std::chrono::hours(24)));
  if (today < most) return {};
  return fail(ErrorCode::too_large, "the " + holder.column + " made " + limit +
                                        " within 24 hours, as many as it may: use those it has");
}

Result<void> check_new_token(Database& database, const NewToken& wanted, Timestamp now) {
  VALETKEY_CHECK(check_name(wanted.name, 1, "a token's name"));
  if (wanted.scopes == TokenScopes{})
    return fail(ErrorCode::invalid, "a token needs at least one scope");
  if (!wanted.narrowing.prefixes().empty() && (wanted.scopes.users || wanted.scopes.accounts))
    return fail(ErrorCode::invalid,
                "prefixes do not bound a token that handles users or accounts, who read what they "
                "read: leave that scope or the prefixes out");
  if (wanted.expires && *wanted.expires <= now)
    return fail(ErrorCode::invalid, "a token's expiry must lie in the future");
  VALETKEY_CHECK(check_owner(database, wanted));
  if (wanted.parent) {
    VALETKEY_TRY(const Token parent, select_token(database, *wanted.parent));
    VALETKEY_CHECK(check_within_parent(wanted, parent, now));
    VALETKEY_CHECK(check_maker(database, wanted, parent));
  }
  if (wanted.account)
    VALETKEY_CHECK(
        check_limit(database, {"account", wanted.account->str()}, wanted.limits.per_account, now));
  return check_limit(database, {"user", wanted.user.str()}, wanted.limits.per_user, now);
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

Result<std::vector<Token>> read_tokens(Statement& list) {
  std::vector<Token> tokens;
  while (true) {
    VALETKEY_TRY(const bool row, list.step());
    if (!row) return tokens;
    VALETKEY_TRY(Token token, read_token(list));
    tokens.push_back(std::move(token));
  }
}

// Revokes the tokens that `roots` selects (?1 is `root`) and all that descends from them.
Result<std::vector<Token>> revoke_families(Database& database, std::string_view roots,
                                           std::string_view root, Timestamp now) {
  VALETKEY_TRY(Statement find,
               database.prepare("WITH RECURSIVE family (id) AS (" + std::string(roots) +
                                " UNION SELECT tokens.id FROM tokens JOIN family"
                                " ON tokens.parent = family.id) " +
                                std::string(kColumns) +
                                " WHERE id IN (SELECT id FROM family) AND revoked_ms IS NULL ORDER "
                                "BY created_ms, tokens.id"));
  VALETKEY_TRY(std::vector<Token> ended, read_tokens(find.bind(root)));
  VALETKEY_TRY(Statement revoke,
               database.prepare("UPDATE tokens SET revoked_ms = ?2 WHERE id = ?1"));
  for (Token& token : ended) {
    VALETKEY_CHECK(revoke.bind(token.id.str(), epoch_ms(now)).run_later());
    VALETKEY_CHECK(forbid(database, token.id.str(), now));
    token.revoked = now;
  }
  if (!ended.empty()) VALETKEY_CHECK(count_change(database));
  return ended;
}

}  // namespace

Result<Token> select_token(Database& database, const TokenId& id) {
  VALETKEY_TRY(Statement find, database.prepare(std::string(kColumns) + " WHERE id = ?1"));
  VALETKEY_TRY(const bool found, find.bind(id.str()).step());
  if (!found) return fail(ErrorCode::not_found, "there is no token " + id.str());
  return read_token(find);
}

Result<Token> select_personal_token(Database& database, const TokenId& id) {
  VALETKEY_TRY(Token token, select_token(database, id));
  if (token.kind == TokenKind::personal) return token;
  return fail(ErrorCode::not_found, "there is no token " + id.str());
}

Result<Token> insert_token(Database& database, const NewToken& wanted, std::string_view sha256,
                           Timestamp now) {
  VALETKEY_CHECK(check_new_token(database, wanted, now));
  Token token{make_token_id(), wanted.account, wanted.user,  wanted.name, wanted.scopes, now,
              wanted.expires,  std::nullopt,   wanted.parent};
  token.narrowing = wanted.narrowing;
  if (wanted.parent) {
    VALETKEY_TRY(const Token parent, select_token(database, *wanted.parent));
    token.maker = parent.user;
    if (parent.kind == TokenKind::session) token.parent.reset();
  }
  VALETKEY_TRY(Statement insert,
               database.prepare("INSERT INTO tokens (id, sha256, account, \"user\", name, scopes,"
                                " created_ms, expires_ms, parent, narrowing)"
                                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"));
  const std::string scopes = token.scopes.str(), narrowing = token.narrowing.str();
  const std::optional<std::string> parent = as_text(wanted.parent);
  const std::optional<std::string> account = as_text(token.account);
  insert.bind(token.id.str(), Blob{sha256}, account, token.user.str(), token.name, scopes,
              epoch_ms(now), as_ms(token.expires), parent, narrowing);
  // No change for a cache: nobody remembers tokens that do not exist.
  VALETKEY_CHECK(insert.run());
  return token;
}

namespace {

// The new token must outlive what hangs on it.
Result<void> check_children(Database& database, const TokenId& old, const NewToken& wanted) {
  if (!wanted.expires) return {};
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT 1 FROM tokens WHERE parent = ?1 AND revoked_ms IS NULL"
                                " AND (expires_ms IS NULL OR expires_ms > ?2) LIMIT 1"));
  VALETKEY_TRY(const bool longer, find.bind(old.str(), epoch_ms(*wanted.expires)).step());
  if (!longer) return {};
  return fail(ErrorCode::invalid,
              "a token that " + old.str() + " created would outlive the new one");
}

}  // namespace

Result<Token> exchange_token(Database& database, const TokenId& old, const NewToken& wanted,
                             std::string_view sha256, Timestamp ends, Timestamp now) {
  VALETKEY_TRY(const Token before, select_token(database, old));
  if (before.kind != TokenKind::personal || before.revoked ||
      (before.expires && *before.expires <= now))
    return fail(ErrorCode::denied, "token " + old.str() + " is revoked or has expired");
  if (before.user != wanted.user || before.account != wanted.account ||
      before.scopes != wanted.scopes || before.narrowing != wanted.narrowing)
    return fail(ErrorCode::invalid,
                "a token is replaced by one of the same user, scopes and limits");
  VALETKEY_CHECK(check_children(database, old, wanted));
  VALETKEY_TRY(Token token, insert_token(database, wanted, sha256, now));
  VALETKEY_TRY(Statement move, database.prepare("UPDATE tokens SET parent = ?1 WHERE parent = ?2"));
  VALETKEY_CHECK(move.bind(token.id.str(), old.str()).run());
  if (ends <= now) {
    VALETKEY_CHECK(revoke_with_descendants(database, old, now));
    return token;
  }
  VALETKEY_TRY(Statement shorten,
               database.prepare("UPDATE tokens SET expires_ms ="
                                " CASE WHEN expires_ms < ?2 THEN expires_ms ELSE ?2 END"
                                " WHERE id = ?1"));
  VALETKEY_CHECK(shorten.bind(old.str(), epoch_ms(ends)).run());
  VALETKEY_CHECK(count_change(database));  // what a cache knows of its end is no longer so
  return token;
}

Result<std::vector<Token>> select_tokens(Database& database,
                                         const std::optional<AccountId>& account,
                                         const std::optional<UserId>& user) {
  std::string sql = std::string(kColumns) + " WHERE kind = 'personal'";
  if (account) sql += " AND account = ?";
  if (user) sql += " AND tokens.user = ?";
  VALETKEY_TRY(Statement list, database.prepare(sql + " ORDER BY created_ms, tokens.id"));
  const auto account_text = as_text(account);
  const auto user_text = as_text(user);
  if (account && user) return read_tokens(list.bind(*account_text, *user_text));
  if (account || user) return read_tokens(list.bind(account ? *account_text : *user_text));
  return read_tokens(list);
}

Result<std::vector<Token>> select_tokens_page(Database& database, const TokenPage& page) {
  Timestamp after{};
  if (page.after) {
    VALETKEY_TRY(const Token last, select_token(database, *page.after));
    if (last.account != page.account || (page.user && last.user != *page.user))
      return fail(ErrorCode::not_found, "token " + last.id.str() + " is not of this list");
    after = last.created;
  }
  VALETKEY_TRY(Statement list,
               database.prepare(std::string(kColumns) +
                                (page.user ? " WHERE tokens.user = ?1 AND account = ?5"
                                           : " WHERE account = ?1 AND account = ?5") +
                                " AND kind = 'personal' AND (created_ms, id) > (?2, ?3)"
                                " ORDER BY created_ms, tokens.id LIMIT ?4"));
  const std::string id = page.after ? page.after->str() : "";
  list.bind(page.user ? page.user->str() : page.account.str(),
            page.after ? epoch_ms(after) : std::numeric_limits<std::int64_t>::min(), id,
            static_cast<std::int64_t>(page.limit), page.account.str());
  return read_tokens(list);
}

Result<std::vector<Token>> revoke_with_descendants(Database& database, const TokenId& id,
                                                   Timestamp now) {
  VALETKEY_CHECK(select_personal_token(database, id));
  return revoke_families(database, "SELECT id FROM tokens WHERE id = ?1", id.str(), now);
}

Result<std::vector<Token>> revoke_created_for_others(Database& database, const UserId& user,
                                                     Timestamp now) {
  return revoke_families(database,
                         "SELECT child.id FROM tokens AS made JOIN tokens AS child"
                         " ON child.parent = made.id WHERE made.user = ?1 AND child.user <> ?1",
                         user.str(), now);
}

// Their sessions end with the account's.
Result<void> revoke_tokens_of(Database& database, const AccountId& account, Timestamp now) {
  VALETKEY_TRY(Statement revoke, database.prepare("UPDATE tokens SET revoked_ms = ?2"
                                                  " WHERE account = ?1 AND revoked_ms IS NULL"));
  return revoke.bind(account.str(), epoch_ms(now)).run();
}

Result<TokenAnswer> select_grant(Database& database, std::string_view sha256, Timestamp now) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT tokens.id, tokens.user, tokens.account, tokens.scopes,"
                                " tokens.expires_ms, tokens.revoked_ms, users.role, users.state,"
                                " accounts.state, tokens.narrowing FROM tokens"
                                " JOIN users ON users.id = tokens.user"
                                " JOIN accounts ON accounts.id = tokens.account"
                                " WHERE tokens.sha256 = ?1 AND tokens.kind = 'personal'"));
  VALETKEY_TRY(const bool found, find.bind(Blob{sha256}).step());
  if (!found) return TokenAnswer(std::unexpected(RefusedToken{}));
  VALETKEY_TRY(TokenId token, as_stored(TokenId::parse(find.text(0))));
  VALETKEY_TRY(UserId user, as_stored(UserId::parse(find.text(1))));
  VALETKEY_TRY(AccountId account, as_stored(AccountId::parse(find.text(2))));
  if (const auto refusal = refusal_of(find, now))
    return TokenAnswer(std::unexpected(RefusedToken{*refusal, token, account}));
  VALETKEY_TRY(const TokenScopes scopes, as_stored(TokenScopes::parse(find.text(3))));
  VALETKEY_TRY(const Role role, as_stored(parse_role(find.text(6))));
  VALETKEY_TRY(Narrowing narrowing, Narrowing::parse(find.text(9)));
  return TokenAnswer(TokenGrant{std::move(token), std::move(user), std::move(account), role, scopes,
                                as_time(find.optional_integer(4)), std::move(narrowing)});
}

Result<OperatorAnswer> select_operator_grant(Database& database, std::string_view sha256,
                                             Timestamp now) {
  VALETKEY_TRY(Statement find,
               database.prepare("SELECT tokens.id, tokens.user, tokens.scopes, tokens.expires_ms,"
                                " tokens.revoked_ms, users.state, tokens.narrowing"
                                " FROM tokens"
                                " JOIN users ON users.id = tokens.user"
                                " WHERE tokens.sha256 = ?1 AND tokens.kind = 'personal'"
                                " AND tokens.account IS NULL AND users.role = 'operator'"));
  VALETKEY_TRY(const bool found, find.bind(Blob{sha256}).step());
  if (!found) return OperatorAnswer(std::unexpected(TokenRefusal::unknown));
  VALETKEY_TRY(TokenId token, as_stored(TokenId::parse(find.text(0))));
  VALETKEY_TRY(UserId user, as_stored(UserId::parse(find.text(1))));
  VALETKEY_TRY(const TokenScopes scopes, as_stored(TokenScopes::parse(find.text(2))));
  const auto expires = as_time(find.optional_integer(3));
  if (find.optional_integer(4)) return OperatorAnswer(std::unexpected(TokenRefusal::revoked));
  if (expires && *expires <= now) return OperatorAnswer(std::unexpected(TokenRefusal::expired));
  if (find.text(5) != name_of(UserState::active))
    return OperatorAnswer(std::unexpected(TokenRefusal::user_disabled));
  VALETKEY_TRY(Narrowing narrowing, Narrowing::parse(find.text(6)));
  return OperatorAnswer(
      OperatorGrant{std::move(token), std::move(user), scopes, expires, std::move(narrowing)});
}

}  // namespace valetkey::control
