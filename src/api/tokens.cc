// SPDX-License-Identifier: Apache-2.0
#include "api/tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include "base/json_text.h"
#include "base/log.h"
#include "control/family.h"
#include "control/tokens.h"

namespace valetkey::api {
namespace {

namespace json = boost::json;
using control::Role;
using control::Token;
using control::User;

template <class T>
Answer<T> or_hide(Result<T> result, std::string_view doing, const Caller& caller) {
  if (!result) return std::unexpected(hidden_failure(result.error(), doing, caller.request_id));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

Answer<void> check_scope(const Caller& caller) {
  if (caller.grant.scopes.tokens) return {};
  return problem(ProblemCode::forbidden,
                 "This token lacks the scope \"tokens\": use one that has it.");
}

std::unexpected<Problem> no_such_token() {
  return problem(ProblemCode::not_found, "There is no such token.");
}

json::value instant(const std::optional<Timestamp>& at) {
  if (!at) return nullptr;
  return json::value(format_iso8601(*at));
}

// The one document that holds a token's value.
Secret reveal(const Token& token, const User& owner, const Secret& secret, Timestamp now,
              const json::object& more = {}) {
  json::object described = describe(token, owner, now);
  for (const auto& [name, value] : more) described.emplace(name, value);
  std::string document = json::serialize(described);
  document.pop_back();
  document += ",\"token\":";
  append_json(document, secret.reveal());
  document += '}';
  return Secret(std::move(document));
}

// Least privilege: a subset of the caller's scopes, a life that ends with the caller's at the
// latest.
Answer<std::optional<Timestamp>> narrow(const Caller& caller, const TokenRequest& request) {
  const control::TokenGrant& grant = caller.grant;
  if (!request.scopes.within(grant.scopes))
    return problem(ProblemCode::forbidden,
                   "A token creates only tokens with scopes that it has itself.");
  if (!request.narrowing.within(grant.narrowing))
    return problem(ProblemCode::forbidden,
                   "A token creates only tokens that open no more than it does itself: " +
                       grant.narrowing.words() + ".");
  if (caller.web_session) return request.expires;
  if (!request.expires) return grant.expires;
  if (grant.expires && *request.expires > *grant.expires)
    return problem(ProblemCode::forbidden,
                   "A token creates only tokens that expire no later than it does itself.");
  return request.expires;
}

// Of creations, as of requests.
constexpr std::chrono::seconds kRateBurst{20};
constexpr double kUsersOfAnAccount = 10;

}  // namespace

Tokens::Tokens(const Parts& parts, const Options& options)
    : store_(parts.store),
      feed_(parts.feed),
      audit_(parts.audit),
      issuer_(parts.issuer),
      limits_(options.token_limits),
      longest_session_(options.max_duration),
      user_rates_(options.token_creations_per_s, kRateBurst),
      account_rates_(kUsersOfAnAccount * options.token_creations_per_s, kRateBurst) {}

json::object describe(const Token& token, const User& owner, Timestamp now) {
  json::array scopes;
  for (const std::string_view scope : token.scopes.names()) scopes.emplace_back(scope);
  return {{"id", token.id.str()},
          {"name", token.name},
          {"user", owner.email},
          {"scopes", std::move(scopes)},
          {"prefixes", json::value_from(token.narrowing.prefixes())},
          {"sources", json::value_from(token.narrowing.source_texts())},
          {"state", control::state_of(token, owner, now)},
          {"created", format_iso8601(token.created)},
          {"expires", instant(token.expires)},
          {"revoked", instant(token.revoked)},
          {"parent", token.parent ? json::value(token.parent->str()) : json::value(nullptr)},
          {"last_used", instant(token.last_used)},
          {"last_used_from", token.last_used ? json::value(token.last_used_from) : nullptr}};
}

bool handles_account(const control::TokenGrant& grant) {
  return grant.role == Role::admin || grant.role == Role::operator_;
}

void describe(json::object& document, const access::EndOfSessions& sessions) {
  document["sessions_ended"] = sessions.at_once;
  document["sessions_end_by"] = format_iso8601(sessions.by);
  document["sessions"] = sentence_of({ErrorCode::internal, sessions.text});
}

Answer<std::string> Tokens::list(const Caller& caller, std::string_view query) {
  VALETKEY_CHECK(check_scope(caller));
  VALETKEY_TRY(const Page page, read_page(query));
  std::optional<UserId> only;
  if (!handles_account(caller.grant)) only = caller.grant.user;
  auto read = store_.tokens_page({.account = caller.grant.account,
                                  .user = std::move(only),
                                  .after = page.after,
                                  .limit = page.limit + 1});
  if (!read && read.error().code == ErrorCode::not_found)
    return problem(ProblemCode::invalid_parameter, "after must be the id of a token of this list.");
  VALETKEY_TRY(const auto tokens, or_hide(std::move(read), "listing tokens", caller));
  const std::span shown = std::span(tokens).first(std::min(tokens.size(), page.limit));
  VALETKEY_TRY(json::array listed, describe_all(caller, shown));
  json::value next = nullptr;
  if (shown.size() < tokens.size()) next = shown.back().id.str();
  return json::serialize(json::object{{"tokens", std::move(listed)}, {"next", std::move(next)}});
}

Answer<json::array> Tokens::describe_all(const Caller& caller, std::span<const Token> tokens) {
  std::map<UserId, control::User> owners;
  json::array out;
  for (const Token& token : tokens) {
    auto owner = owners.find(token.user);
    if (owner == owners.end()) {
      VALETKEY_TRY(auto user, or_hide(store_.user(token.user), "reading a user", caller));
      owner = owners.emplace(token.user, std::move(user)).first;
    }
    out.emplace_back(describe(token, owner->second, caller.now));
  }
  return out;
}

Answer<std::string> Tokens::show(const Caller& caller, std::string_view id) {
  VALETKEY_CHECK(check_scope(caller));
  VALETKEY_TRY(const Token token, find_token(caller, id));
  VALETKEY_TRY(const auto user, or_hide(store_.user(token.user), "reading a user", caller));
  return json::serialize(describe(token, user, caller.now));
}

Answer<Secret> Tokens::create(const Caller& caller, std::string_view body) {
  std::optional<User> owner;
  const auto planned = plan(caller, body, owner);
  if (!planned) {
    audit_refusal(caller, "token.create", planned.error());
    return std::unexpected(planned.error());
  }
  VALETKEY_CHECK(take_turn(caller));
  const Secret secret = control::make_token();
  const Digest256 digest = control::token_digest(secret.reveal());
  auto made = store_.create_token(*planned, as_text(digest), caller.now);
  if (!made && made.error().code == ErrorCode::denied)  // revoked or disabled since we looked
    return problem(ProblemCode::forbidden, "This token cannot create tokens any more.");
  if (!made && made.error().code == ErrorCode::too_large) return over_limit(caller);
  VALETKEY_TRY(const Token token, or_hide(std::move(made), "creating a token", caller));
  VALETKEY_CHECK(audit_or_undo(caller, token));
  return reveal(token, *owner, secret, caller.now);
}

Answer<Secret> Tokens::replace(const Caller& caller, std::string_view id, std::string_view body) {
  VALETKEY_CHECK(check_scope(caller));
  VALETKEY_TRY(const Token old, find_token(caller, id));
  VALETKEY_TRY(const ReplaceRequest request, parse_replace_request(body, caller.now));
  if (old.id == caller.grant.token)
    return problem(ProblemCode::forbidden,
                   "A token does not replace itself: use another one, or the console.");
  VALETKEY_CHECK(take_turn(caller));
  const Secret secret = control::make_token();
  const Digest256 digest = control::token_digest(secret.reveal());
  std::optional<Timestamp> expires = request.expires;
  if (!expires && old.expires) expires = caller.now + (*old.expires - old.created);
  VALETKEY_TRY(expires, narrow(caller, {old.name, old.scopes, expires, {}, old.narrowing}));
  const control::NewToken wanted{.account = old.account,
                                 .user = old.user,
                                 .name = old.name,
                                 .scopes = old.scopes,
                                 .expires = expires,
                                 .parent = caller.grant.token,
                                 .limits = limits_,
                                 .narrowing = old.narrowing};
  auto made = store_.replace_token(old.id, wanted, as_text(digest), caller.now + request.overlap,
                                   caller.now);
  if (!made && made.error().code == ErrorCode::denied)
    return problem(ProblemCode::conflict, "This token has ended already: generate a new one.");
  if (!made && made.error().code == ErrorCode::invalid)
    return problem(ProblemCode::invalid_parameter,
                   "A token that this one created lives longer: choose a later expiry.");
  if (!made && made.error().code == ErrorCode::too_large) return over_limit(caller);
  VALETKEY_TRY(const Token token, or_hide(std::move(made), "replacing a token", caller));
  feed_.poll();
  VALETKEY_CHECK(or_hide(audit(caller, "token.replace", old.id), "auditing", caller));
  VALETKEY_CHECK(audit_or_undo(caller, token));
  VALETKEY_TRY(const auto owner, or_hide(store_.user(old.user), "reading a user", caller));
  VALETKEY_TRY(const Token ending, or_hide(store_.token(old.id), "reading a token", caller));
  return reveal(token, owner, secret, caller.now,
                {{"replaces", describe(ending, owner, caller.now)}});
}

Answer<std::string> Tokens::ends(const Caller& caller, std::string_view id) {
  VALETKEY_CHECK(check_scope(caller));
  VALETKEY_TRY(const Token root, find_token(caller, id));
  VALETKEY_TRY(const auto all,
               or_hide(store_.tokens(caller.grant.account, {}), "listing tokens", caller));
  auto ending = control::descendants_of(root.id, all);
  std::erase_if(ending, [&](const Token& token) {
    return token.revoked || (token.expires && *token.expires <= caller.now);
  });
  VALETKEY_TRY(json::array listed, describe_all(caller, ending));
  return json::serialize(json::object{{"tokens", std::move(listed)}});
}

// As many as are allowed at once leave an audit record and two writes to the disk each.
Answer<void> Tokens::take_turn(const Caller& caller) {
  const auto now = std::chrono::steady_clock::now();
  milliseconds wait = user_rates_.take(caller.grant.user.str(), now);
  if (wait <= milliseconds(0)) wait = account_rates_.take(caller.grant.account.str(), now);
  if (wait <= milliseconds(0)) return {};
  return std::unexpected(Problem{ProblemCode::rate_limited,
                                 "Tokens are created faster than the operator allows: one token "
                                 "serves any number of requests, so keep it.",
                                 std::chrono::ceil<std::chrono::seconds>(wait),
                                 {}});
}

std::unexpected<Problem> Tokens::over_limit(const Caller& caller) {
  Problem refused{ProblemCode::forbidden,
                  fmt::format("A user has at most {} tokens that count and an account {}, and as "
                              "many are made within 24 hours: revoke what nobody uses, or wait.",
                              limits_.per_user, limits_.per_account),
                  {},
                  {}};
  audit_refusal(caller, "token.create", refused);
  return std::unexpected(std::move(refused));
}

// What `body` asks for, if the caller may have it, and whose it will be.
Answer<control::NewToken> Tokens::plan(const Caller& caller, std::string_view body,
                                       std::optional<User>& owner) {
  VALETKEY_CHECK(check_scope(caller));
  VALETKEY_TRY(TokenRequest request, parse_token_request(body, caller.now));
  VALETKEY_TRY(request.narrowing, narrowing_of(caller, request));
  VALETKEY_TRY(const auto expires, narrow(caller, request));
  VALETKEY_TRY(owner, choose_owner(caller, request));
  return control::NewToken{.account = caller.grant.account,
                           .user = owner->id,
                           .name = std::move(request.name),
                           .scopes = request.scopes,
                           .expires = expires,
                           .parent = caller.grant.token,
                           .limits = limits_,
                           .narrowing = std::move(request.narrowing)};
}

// What it asks for, and where it asks for nothing the caller's own.
Answer<control::Narrowing> Tokens::narrowing_of(const Caller& caller, const TokenRequest& request) {
  auto narrowing = request.narrowing.inheriting(caller.grant.narrowing);
  if (!narrowing) return problem(ProblemCode::invalid_parameter, sentence_of(narrowing.error()));
  if (!narrowing->prefixes().empty() && request.scopes.users)
    return problem(ProblemCode::invalid_parameter,
                   "Prefixes do not bound a token that handles users: leave the scope \"users\" or "
                   "the prefixes out.");
  const auto kept = issuer_.check_narrowing(caller.grant.account, *narrowing);
  if (!kept && kept.error().code == ErrorCode::invalid)
    return problem(ProblemCode::invalid_parameter, sentence_of(kept.error()));
  VALETKEY_CHECK(or_hide(kept, "asking the issuer", caller));
  return std::move(*narrowing);
}

Answer<std::string> Tokens::revoke(const Caller& caller, std::string_view id,
                                   std::string_view query) {
  auto allowed = check_scope(caller);
  const auto token =
      allowed ? find_token(caller, id) : Answer<Token>(std::unexpected(allowed.error()));
  if (!token) {
    audit_refusal(caller, "token.revoke", token.error());
    return std::unexpected(token.error());
  }
  VALETKEY_TRY(const bool cut_off, read_cut_off(query));
  VALETKEY_TRY(const auto ended,
               or_hide(store_.revoke_token(token->id, caller.now), "revoking a token", caller));
  feed_.poll();  // this server forgets the token now, the others within the second
  const auto sessions = end_sessions(caller, token->id, cut_off);
  if (!sessions.why.empty())
    log::warn("api", "sessions could not be cut off",
              {{"why", sessions.why}, {"request", caller.request_id}});
  const std::string_view detail =
      issuer_.follows_revocation() ? std::string_view() : std::string_view(sessions.text);
  VALETKEY_CHECK(
      or_hide(audit(caller, "token.revoke", token->id, detail), "auditing a revocation", caller));
  if (cut_off && !detail.empty())
    VALETKEY_CHECK(
        or_hide(audit(caller, sessions.action(), token->id, detail), "auditing a cut-off", caller));
  VALETKEY_CHECK(or_hide(access::audit_others(audit_, sessions, caller.now),
                         "auditing what a cut-off took along", caller));
  VALETKEY_TRY(json::array revoked, describe_all(caller, ended));
  json::object document{{"revoked", std::move(revoked)}};
  describe(document, sessions);
  return json::serialize(document);
}

// The token is revoked whatever becomes of its sessions, and the answer says what does.
access::EndOfSessions Tokens::end_sessions(const Caller& caller, const TokenId& token,
                                           bool cut_off) {
  const access::Cutting with{issuer_, store_, longest_session_};
  const access::Whose whose{caller.grant.account, token};
  if (!cut_off) return access::end_of_sessions(with, whose, caller.now);
  if (issuer_.follows_revocation()) return access::try_to_cut_off(with, whose, caller.now);
  const auto turn = take_turn(caller);  // it may cost the engine as much as a new token
  if (turn) return access::try_to_cut_off(with, whose, caller.now);
  return access::not_cut_off(with, whose,
                             fmt::format("tokens are created and cut off faster than the operator "
                                         "allows; repeat this in {} s",
                                         turn.error().retry_after.count()),
                             caller.now);
}

// Whose the new token will be: the caller's, or, for an admin, that of a named user of the account.
Answer<User> Tokens::choose_owner(const Caller& caller, const TokenRequest& request) {
  VALETKEY_TRY(auto self, or_hide(store_.user(caller.grant.user), "reading a user", caller));
  if (!request.user || *request.user == self.email) return self;
  if (!handles_account(caller.grant))
    return problem(ProblemCode::forbidden,
                   "Only an admin of the account creates tokens for other users.");
  return find_user(caller, *request.user);
}

// A user of another account does not exist for this caller.
Answer<User> Tokens::find_user(const Caller& caller, const std::string& email) {
  auto user = store_.user_by_email(email);
  if (!user && user.error().code != ErrorCode::not_found && user.error().code != ErrorCode::invalid)
    return std::unexpected(hidden_failure(user.error(), "reading a user", caller.request_id));
  if (!user || user->account != caller.grant.account)
    return problem(ProblemCode::invalid_parameter, "\"user\" is no user of this account.");
  if (user->state != control::UserState::active)
    return problem(ProblemCode::invalid_parameter, "\"user\" is disabled: enable the user first.");
  return std::move(*user);
}

Answer<Token> Tokens::find_token(const Caller& caller, std::string_view id) {
  const auto parsed = TokenId::parse(id);
  if (!parsed) return no_such_token();
  auto token = store_.token(*parsed);
  if (!token && token.error().code != ErrorCode::not_found)
    return std::unexpected(hidden_failure(token.error(), "reading a token", caller.request_id));
  if (!token || token->account != caller.grant.account) return no_such_token();
  if (!handles_account(caller.grant) && token->user != caller.grant.user) return no_such_token();
  return std::move(*token);
}

// A token that the audit log does not know must not exist.
Answer<void> Tokens::audit_or_undo(const Caller& caller, const Token& token) {
  const auto audited = audit(caller, "token.create", token.id, token.narrowing.words());
  if (audited) return {};
  if (const auto undone = store_.revoke_token(token.id, caller.now); !undone)
    log::error("api", "A token was created but neither audited nor revoked; revoke it by hand",
               {{"token", token.id.str()}, {"detail", undone.error().detail}});
  return std::unexpected(
      hidden_failure(audited.error(), "auditing a new token", caller.request_id));
}

Result<void> Tokens::audit(const Caller& caller, std::string_view action, const TokenId& subject,
                           std::string_view detail) {
  return audit_.append_durably({.at = caller.now,
                                .action = action,
                                .outcome = "ok",
                                .account = &caller.grant.account,
                                .actor = caller.grant.user.str(),
                                .subject = subject.str(),
                                .client = caller.client,
                                .request_id = caller.request_id,
                                .detail = detail});
}

void Tokens::audit_refusal(const Caller& caller, std::string_view action, const Problem& problem) {
  audit_.append({.at = caller.now,
                 .action = action,
                 .outcome = name_of(problem.code),
                 .account = &caller.grant.account,
                 .actor = caller.grant.user.str(),
                 .subject = caller.grant.token.str(),
                 .client = caller.client,
                 .request_id = caller.request_id});
}

}  // namespace valetkey::api
