// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/json/value_from.hpp>

#include "admin/internal/commands.h"
#include "admin/internal/cutting_off.h"
#include "admin/internal/ended_tokens.h"
#include "control/tokens.h"
#include "terminal/size.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using control::Token;

json::value or_null(const std::optional<Timestamp>& t) {
  return t ? json::value(format_iso8601(*t)) : json::value();
}

// Of the answer to a person, behind the scopes.
std::string limits_text(const control::Narrowing& narrowing) {
  return narrowing.empty() ? "" : ", limited to " + narrowing.words();
}

json::object document_of(const Token& t, const std::string& email) {
  return {{"id", t.id.str()},
          {"account", t.account ? json::value(t.account->str()) : json::value()},
          {"user", email},
          {"name", t.name},
          {"scopes", t.scopes.str()},
          {"prefixes", json::value_from(t.narrowing.prefixes())},
          {"sources", json::value_from(t.narrowing.source_texts())},
          {"created", format_iso8601(t.created)},
          {"expires", or_null(t.expires)},
          {"revoked", or_null(t.revoked)},
          {"parent", t.parent ? json::value(t.parent->str()) : json::value()},
          {"last_used", or_null(t.last_used)},
          {"last_used_from", t.last_used ? json::value(t.last_used_from) : json::value()}};
}

Result<control::User> owner_of(control::ControlStore& store, const AccountId& account,
                               const std::string& email) {
  VALETKEY_TRY(const auto exists, store.account(account));
  if (exists.state == control::AccountState::deleted)
    return fail(ErrorCode::denied, fmt::format("account {} is deleted", account.str()));
  auto user = store.user_by_email(email);
  if (user && user->role == control::Role::operator_)
    return fail(
        ErrorCode::denied,
        fmt::format("{} is an operator, who belongs to no account: leave --account out, or name "
                    "a user of account {} (`valetkeyd user list --account {}`)",
                    email, account.str(), account.str()));
  if (user && user->account != account)
    return fail(ErrorCode::not_found,
                fmt::format("{} is a user of another account; `valetkeyd user list --account {}` "
                            "shows those of account {}",
                            email, account.str(), account.str()));
  if (!user)
    return fail(ErrorCode::not_found,
                fmt::format("account {} has no user {}; make it with `valetkeyd user create {} "
                            "--account {} --role member`",
                            account.str(), email, email, account.str()));
  if (user->state == control::UserState::disabled)
    return fail(ErrorCode::denied,
                fmt::format("user {} is disabled; `valetkeyd user enable {}` first", email, email));
  return user;
}

Result<control::User> operator_of(control::ControlStore& store, const TokenFlags& flags,
                                  const control::TokenScopes& scopes) {
  auto user = store.user_by_email(flags.user);
  if (!user && user.error().code == ErrorCode::not_found)
    return fail(ErrorCode::not_found,
                fmt::format("there is no user {}; `valetkeyd user list` shows them", flags.user));
  if (user && user->role != control::Role::operator_)
    return fail(ErrorCode::invalid, fmt::format("{} is no operator: add --account {}", flags.user,
                                                user->account ? user->account->str() : "ID"));
  if (user && scopes != control::TokenScopes{.accounts = true})
    return fail(ErrorCode::invalid,
                "an operator's token has the scope accounts and no other: add "
                "--scopes accounts");
  return user;
}

}  // namespace

Result<int> token_create(CommandContext& context, const TokenFlags& flags) {
  const Timestamp now = context.clock.now();
  std::optional<AccountId> account;
  if (!flags.account.empty()) {
    VALETKEY_TRY(account, AccountId::parse(flags.account));
  }
  VALETKEY_TRY(const auto scopes, control::TokenScopes::parse(flags.scopes));
  VALETKEY_TRY(const auto narrowing, control::Narrowing::make(flags.narrowing));
  const auto expires = flags.expires ? std::optional(now + *flags.expires) : std::nullopt;
  VALETKEY_TRY(const auto config, context.load_config());
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const auto user, account ? owner_of(*store, *account, flags.user)
                                        : operator_of(*store, flags, scopes));
  if (account) VALETKEY_CHECK(check_at_engine(context, *store, *account, narrowing));
  const Secret token = control::make_token();
  VALETKEY_TRY(const Token made,
               store->create_token({.account = account,
                                    .user = user.id,
                                    .name = flags.name,
                                    .scopes = scopes,
                                    .expires = expires,
                                    .parent = std::nullopt,
                                    .limits = config.limits.tokens,
                                    .narrowing = narrowing},
                                   as_text(control::token_digest(token.reveal())), now));
  VALETKEY_CHECK(context.record("token.create", account, made.id.str(), narrowing.words()));
  if (context.json) {
    auto document = document_of(made, user.email);
    document["token"] = token.reveal();
    context.print(document);
    return 0;
  }
  // The token alone on stdout, so that TOKEN=$(valetkeyd token create …) holds nothing else.
  context.out << token.reveal() << '\n';
  context.err << fmt::format(
      "Token {} for {} of {} ({}{}{}). It is shown this once and cannot be read again.\n",
      made.id.str(), user.email, account ? "account " + account->str() : "the operators",
      scopes.str(), limits_text(narrowing), expires ? ", until " + format_iso8601(*expires) : "");
  return 0;
}

Result<int> token_list(CommandContext& context, const std::string& account,
                       const std::string& email) {
  VALETKEY_TRY(const auto store, context.open_control());
  std::optional<AccountId> of;
  if (!account.empty()) {
    VALETKEY_TRY(of, AccountId::parse(account));
  }
  std::optional<UserId> by;
  if (!email.empty()) {
    VALETKEY_TRY(const auto user, store->user_by_email(email));
    by = user.id;
  }
  VALETKEY_TRY(const auto tokens, store->tokens(of, by));
  VALETKEY_TRY(const auto users, store->users(of));
  std::map<UserId, control::User> owners;
  for (const auto& user : users) owners.emplace(user.id, user);
  if (context.json) {
    json::array list;
    for (const auto& token : tokens)
      list.push_back(document_of(token, owners.at(token.user).email));
    context.print(json::object{{"tokens", std::move(list)}});
    return 0;
  }
  terminal::Table table({"ID", "NAME", "ACCOUNT", "USER", "STATE", "LAST USED", "FROM", "SCOPES",
                         "LIMITED TO", "EXPIRES", "CREATED"});
  for (const auto& t : tokens)
    table.row({t.id.str(), t.name, t.account ? t.account->str() : "-", owners.at(t.user).email,
               std::string(control::state_of(t, owners.at(t.user), context.clock.now())),
               t.last_used ? format_iso8601(*t.last_used) : "never",
               t.last_used ? t.last_used_from : "-", t.scopes.str(),
               t.narrowing.empty() ? "-" : t.narrowing.words(),
               t.expires ? format_iso8601(*t.expires) : "never", format_iso8601(t.created)});
  if (table.empty())
    context.err
        << "No tokens. Make one: valetkeyd token create --account ID --user EMAIL --name N\n";
  else
    table.print(context.out);
  return 0;
}

namespace {

// A name is no id: two tokens may have one name.
Result<TokenId> find_id(control::ControlStore& store, const std::string& text) {
  auto id = TokenId::parse(text);
  if (id) return id;
  VALETKEY_TRY(const auto tokens, store.tokens(std::nullopt, std::nullopt));
  std::vector<std::string> named;
  for (const Token& token : tokens)
    if (token.name == text && !token.revoked) named.push_back(token.id.str());
  if (named.empty())
    return fail(ErrorCode::invalid,
                fmt::format("{} is no token id, which is tok_ and 16 characters; `valetkeyd token "
                            "list` shows the ids",
                            text));
  return fail(ErrorCode::invalid, fmt::format("{} is a name; say which token by its id: {}", text,
                                              fmt::join(named, " or ")));
}

}  // namespace

Result<int> token_revoke(CommandContext& context, const std::string& text, bool cut_off) {
  VALETKEY_TRY(const auto store, context.open_control());
  VALETKEY_TRY(const TokenId token, find_id(*store, text));
  const std::string& id = token.str();
  VALETKEY_TRY(const auto before, store->token(token));
  VALETKEY_TRY(const auto ended, store->revoke_token(token, context.clock.now()));
  const std::size_t count = ended.size();
  if (count == 0) VALETKEY_CHECK(context.record("token.revoke", before.account, id));
  VALETKEY_CHECK(record_ended(context, ended));
  std::optional<access::EndOfSessions> sessions;  // of an engine; an operator's token buys none
  if (before.account) {
    VALETKEY_TRY(sessions, end_sessions(context, *store, {*before.account, token}, cut_off));
  }
  const int status = sessions && !sessions->why.empty() ? 1 : 0;
  if (status != 0) context.err << fmt::format("The sessions were not ended: {}.\n", sessions->why);
  if (context.json) {
    VALETKEY_TRY(auto tokens, ended_document(*store, ended));
    json::object document{{"id", id}, {"revoked", count}, {"tokens", std::move(tokens)}};
    if (sessions) {
      document["sessions_ended"] = sessions->at_once;
      document["sessions_end_by"] = format_iso8601(sessions->by);
    }
    context.print(document);
    return status;
  }
  if (count == 0)
    context.out << fmt::format("Token {} was revoked before.\n", id);
  else if (count == 1)
    context.out << fmt::format(
        "Token {} is revoked; {}.\n", id,
        sessions ? "it buys nothing from now on" : "its sessions end within one second");
  else
    context.out << fmt::format(
        "Token {} and {} that it created are revoked; {}.\n", id,
        terminal::count_text(count - 1, "token"),
        sessions ? "they buy nothing from now on" : "their sessions end within one second");
  if (sessions) context.out << fmt::format("Sessions: {}.\n", sessions->text);
  if (count > 1) VALETKEY_CHECK(print_ended(context, *store, ended, "Revoked:"));
  return status;
}

}  // namespace valetkey::admin
