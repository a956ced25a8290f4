// SPDX-License-Identifier: Apache-2.0
#include "api/service.h"

namespace valetkey::api {
namespace {

using control::TokenGrant;

constexpr std::size_t kMaxBodyBytes = 16 * 1024;

// RFC 7240: a client that prefers a representation gets what a deletion ended; others get 204.
bool wants_representation(const http::Request& request) {
  const auto wish = request.header("prefer");
  return wish && wish->contains("return=representation");
}

Call call_of(const http::Request& request, const Match<Route>& match, TokenGrant who) {
  return {.caller = {std::move(who), request.now, request.client.str(), std::string(request.id)},
          .address = request.client,
          .id = std::string(match.ids.empty() ? "" : match.ids.front()),
          .query = std::string(request.query),
          .body = std::string(request.body),
          .wants_representation = wants_representation(request)};
}

http::Response preflight(const std::string& methods) {
  http::Response response = no_content();
  response.set("Access-Control-Allow-Methods", methods);
  response.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Token");
  response.set("Access-Control-Max-Age", "600");
  return response;
}

}  // namespace

Service::Service(Parts parts, http::asio::thread_pool& blocking, Options options)
    : options_(std::move(options)),
      blocking_(blocking),
      origins_(options_.cors_origins),
      authenticator_(parts.authenticator),
      operations_({{parts.store, parts.feed, parts.audit, parts.issuer},
                   parts.usage,
                   std::move(parts.stored),
                   parts.log != nullptr},
                  options_) {
  if (const unsigned calls = parts.issuer.calls_at_once(); calls > 0)
    minting_ = std::make_unique<http::asio::thread_pool>(calls);
  if (parts.log != nullptr)
    intake_ = std::make_unique<Intake>(
        IntakeParts{parts.store, parts.feed, *parts.log, parts.intake_hooks, &parts.usage},
        blocking, options_);
}

std::size_t Service::max_body_bytes(const http::Request& head) const {
  if (intake_ && head.path == kEventsPath) return intake_->max_body_bytes(head);
  return kMaxBodyBytes;
}

http::Response Service::refuse(int status, const http::Request& head) const {
  if (intake_ && head.path == kEventsPath) return intake_->refuse(status, head);
  return finish(head, api::refuse(status, head.id));
}

// The order is fixed: route, authenticate, then read parameters. An exchange with a token that this
// thread knows runs straight through, without a hop or a second coroutine.
http::Task<http::Response> Service::handle(const http::Request& request) {
  if (intake_ && request.path == kEventsPath) co_return co_await intake_->handle(request);
  const auto match = match_in(routes(), request.method, request.path);
  if (match.route == nullptr) co_return finish(request, nullptr, answer_unmatched(request, match));
  const Route& route = *match.route;
  if (!route.shows)
    co_return finish(request, nullptr, *(operations_.*route.at_once)(request, nullptr));
  if (!request.body_complete) co_return finish(request, api::refuse(413, request.id));
  auto known = authenticator_.find(request, *route.shows);
  if (!known) known = co_await authenticator_.read(request, *route.shows);
  if (!*known) co_return finish(request, nullptr, std::unexpected(std::move(known->error())));
  const TokenGrant who = *std::move(*known);
  if (auto problem = over_rate(who))
    co_return finish(request, &who, std::unexpected(*std::move(problem)));
  if (route.at_once != nullptr)
    if (auto answer = (operations_.*route.at_once)(request, &who))
      co_return finish(request, &who, *std::move(answer));
  co_return finish(request, &who, co_await work(route, call_of(request, match, who)));
}

// What is no row of the table: a preflight, another method, or nothing at all.
Answer<http::Response> Service::answer_unmatched(const http::Request& request,
                                                 const Match<Route>& match) const {
  if (match.allow.empty() || request.path == kEventsPath)
    return std::unexpected(no_such_resource());
  if (request.method == http::Method::options && origins_.allowed(request))
    return preflight(match.allow);
  return std::unexpected(wrong_method(match.allow));
}

// Most requests of a valid token leave an audit record: without a rate they could fill the disk.
std::optional<Problem> Service::over_rate(const TokenGrant& who) {
  const milliseconds wait = authenticator_.pace(who.token);
  if (wait <= milliseconds(0)) return std::nullopt;
  return Problem{ProblemCode::rate_limited,
                 "This token is used more often than the operator allows; keep credentials until "
                 "they expire.",
                 std::chrono::ceil<std::chrono::seconds>(wait),
                 {}};
}

// An issuer that asks another service has threads of its own: one that hangs holds up nothing else,
// and what waits for it is bounded.
http::Task<Answer<http::Response>> Service::work(const Route& route, Call call) {
  Turns::Turn turn;
  const bool mints = route.place == Place::issuer;
  if (mints && !exchanges_.take(turn)) co_return std::unexpected(busy());
  if (route.place == Place::sums) {
    const bool admitted = co_await wait_for(sums_, turn);
    if (!admitted) co_return std::unexpected(unavailable());
  }
  auto todo = [this, &route, call = std::move(call)] { return (operations_.*route.work)(call); };
  co_return co_await http::run_blocking(mints ? *minting_ : blocking_, std::move(todo));
}

// The one place where a problem becomes a response; then what every answer has in common.
http::Response Service::finish(const http::Request& request, const TokenGrant* who,
                               Answer<http::Response> answer) const {
  http::Response response = answer ? *std::move(answer) : to_response(answer.error(), request.id);
  if (who != nullptr) {
    response.note().account = who->account.str();
    response.note().token = who->token.str();
  }
  return finish(request, std::move(response));
}

// HEAD needs nothing: the server leaves the body out.
http::Response Service::finish(const http::Request& request, http::Response response) const {
  response.set("X-Request-Id", request.id);
  if (!origins_.empty()) response.set("Vary", "Origin");
  if (const auto origin = origins_.allowed(request)) {
    http::allow_origin(response, *origin);
    response.set("Access-Control-Expose-Headers",
                 "Allow, Retry-After, WWW-Authenticate, X-Request-Id");
  }
  return response;
}

}  // namespace valetkey::api
