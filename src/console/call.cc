// SPDX-License-Identifier: Apache-2.0
#include "console/call.h"

#include <boost/json/serialize.hpp>

namespace valetkey::console {

Reply reply_with(const boost::json::object& document, int status) {
  return {.status = status, .json = boost::json::serialize(document)};
}

Reply no_content() { return {.status = 204}; }

control::TokenGrant grant_of(const Call& call) {
  const Who& who = *call.who;
  return {.token = who.token,
          .user = who.user.id,
          .account = *who.user.account,
          .role = who.user.role,
          .scopes = who.scopes,
          .expires = who.expires,
          .narrowing = who.narrowing};
}

api::Caller caller_of(const Call& call) {
  return {grant_of(call), call.now, call.client, call.request_id, call.who->session.has_value()};
}

const AccountId& account_of(const Call& call) { return *call.who->user.account; }

std::unexpected<Problem> bad_field(std::string_view field, std::string message) {
  return std::unexpected(Problem{.code = ProblemCode::invalid_parameter,
                                 .message = std::move(message),
                                 .allow = {},
                                 .field = std::string(field)});
}
std::unexpected<Problem> forbidden(std::string message) {
  return api::problem(ProblemCode::forbidden, std::move(message));
}
std::unexpected<Problem> not_found(std::string message) {
  return api::problem(ProblemCode::not_found, std::move(message));
}
std::unexpected<Problem> conflict(std::string_view field, std::string message) {
  return std::unexpected(Problem{.code = ProblemCode::conflict,
                                 .message = std::move(message),
                                 .allow = {},
                                 .field = std::string(field)});
}

boost::json::value instant_or_null(const std::optional<Timestamp>& at) {
  if (!at) return nullptr;
  return boost::json::value(format_iso8601(*at));
}

}  // namespace valetkey::console
