// SPDX-License-Identifier: Apache-2.0
// A request as the console's routes see it: values alone, for they run on the pool. The caller is
// known by then, by cookie or by token, and what the route demands of them was checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/problem.h"
#include "api/tokens.h"
#include "base/secret.h"
#include "control/control_store.h"

namespace valetkey::console {

using api::Answer;
using api::Problem;
using api::ProblemCode;

struct Who {
  TokenId token;  // the web session's, or that of the personal access token
  control::User user;
  control::TokenScopes scopes;
  std::optional<Timestamp> expires;
  control::Narrowing narrowing{};
  std::optional<control::WebSession> session;  // of the cookie; none: a personal access token
  bool is_admin() const { return user.role == control::Role::admin; }
};

struct Call {
  std::vector<std::string> ids;  // of the path, in order
  std::string query;
  std::string body;
  Timestamp now;
  std::string client;  // address
  http::Address address;
  std::string request_id;
  std::string host;    // as asked for
  std::string cookie;  // of a sign-in elsewhere that comes back; else empty
  bool secure = false;
  std::optional<Who> who{};  // set except on open routes
};

struct Reply {
  int status = 200;
  std::string json{};                    // empty: no body
  std::optional<Secret> session{};       // sets the session's cookie; empty: clears it
  std::optional<std::string> sign_in{};  // the same of the cookie of a sign-in elsewhere
  std::string location{};
};

Reply reply_with(const boost::json::object& document, int status = 200);
Reply no_content();

// Of a user of an account.
control::TokenGrant grant_of(const Call& call);
api::Caller caller_of(const Call& call);
const AccountId& account_of(const Call& call);

template <class T>
Answer<T> or_hide(Result<T> result, std::string_view doing, const Call& call) {
  if (!result) return std::unexpected(api::hidden_failure(result.error(), doing, call.request_id));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

std::unexpected<Problem> bad_field(std::string_view field, std::string message);
std::unexpected<Problem> forbidden(std::string message);
std::unexpected<Problem> not_found(std::string message);
std::unexpected<Problem> conflict(std::string_view field, std::string message);

boost::json::value instant_or_null(const std::optional<Timestamp>& at);

}  // namespace valetkey::console
