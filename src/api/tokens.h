// SPDX-License-Identifier: Apache-2.0
// Personal access tokens over REST: who may list, create and revoke which. An admin handles the
// tokens of the account's users, a member only their own, nobody another account's: those do not
// exist. Thread-safe; every call blocks and takes values, for the pool.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "access/credentials.h"
#include "access/end_of_sessions.h"
#include "api/options.h"
#include "api/problem.h"
#include "api/token_request.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "http/message.h"
#include "limits/pace.h"

namespace valetkey::api {

// The caller and the address: what a call needs of its request.
struct Caller {
  control::TokenGrant grant;
  Timestamp now;
  std::string client;
  std::string request_id;
  // At the web console: what a person makes there is theirs, and outlives the session.
  bool web_session = false;
};

// Everything about a token but its value, which only its maker ever saw, and its digest.
boost::json::object describe(const control::Token& token, const control::User& owner,
                             Timestamp now);

// Default deny: a grant that is not known to be more is a member's.
bool handles_account(const control::TokenGrant& grant);

// As both routes tell it: "sessions_ended", "sessions_end_by" and "sessions", a sentence.
void describe(boost::json::object& document, const access::EndOfSessions& sessions);

class Tokens {
 public:
  struct Parts {
    control::ControlStore& store;
    control::ChangeFeed& feed;
    control::AuditLog& audit;
    access::CredentialIssuer& issuer;
  };
  Tokens(const Parts& parts, const Options& options);
  // Each needs the scope `tokens`, else forbidden, and reads its parameters only then.
  Answer<std::string> list(const Caller& caller, std::string_view query);  // JSON, oldest first
  Answer<std::string> show(const Caller& caller, std::string_view id);     // JSON of one of them
  // JSON with the token itself, which nobody is ever shown again.
  Answer<Secret> create(const Caller& caller, std::string_view body);
  // JSON of a new token in place of `id`, which goes on for as long as the body says, and what it
  // created hangs on the new one.
  Answer<Secret> replace(const Caller& caller, std::string_view id, std::string_view body);
  // JSON: what would end with it, itself left out.
  Answer<std::string> ends(const Caller& caller, std::string_view id);
  // JSON: what ended, the token itself and all that descend from it, and what becomes of their
  // sessions; `cut_off=true` of the query ends those at the engine.
  Answer<std::string> revoke(const Caller& caller, std::string_view id, std::string_view query);

 private:
  Answer<boost::json::array> describe_all(const Caller& caller,
                                          std::span<const control::Token> tokens);
  Answer<void> take_turn(const Caller& caller);
  Answer<control::NewToken> plan(const Caller& caller, std::string_view body,
                                 std::optional<control::User>& owner);
  std::unexpected<Problem> over_limit(const Caller& caller);
  Answer<control::User> choose_owner(const Caller& caller, const TokenRequest& request);
  Answer<control::User> find_user(const Caller& caller, const std::string& email);
  Answer<control::Token> find_token(const Caller& caller, std::string_view id);
  Answer<void> audit_or_undo(const Caller& caller, const control::Token& token);
  access::EndOfSessions end_sessions(const Caller& caller, const TokenId& token, bool cut_off);
  Answer<control::Narrowing> narrowing_of(const Caller& caller, const TokenRequest& request);
  Result<void> audit(const Caller& caller, std::string_view action, const TokenId& subject,
                     std::string_view detail = {});
  void audit_refusal(const Caller& caller, std::string_view action, const Problem& problem);

  control::ControlStore& store_;
  control::ChangeFeed& feed_;
  control::AuditLog& audit_;
  access::CredentialIssuer& issuer_;
  control::TokenLimits limits_;
  milliseconds longest_session_;
  limits::Rates user_rates_, account_rates_;  // of creations
};

}  // namespace valetkey::api
