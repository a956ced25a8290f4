// SPDX-License-Identifier: Apache-2.0
#include "api/service.h"

#include <algorithm>

#include "access/scope.h"
#include "api/json_text.h"
#include "api/landing.h"
#include "api/strict_json.h"
#include "api/token_request.h"

namespace valetkey::api {
namespace {

constexpr std::size_t kMaxBodyBytes = 16 * 1024;
constexpr std::chrono::seconds kRateBurst{20};  // a job that starts asks often, then rarely

Caller caller_of(const http::Request& request, control::TokenGrant grant) {
  return {std::move(grant), request.now, request.client.str(), std::string(request.id)};
}

TokenForm form_of(Action action) {
  return action == Action::container ? TokenForm::bearer_or_bare : TokenForm::bearer;
}

// The answer to a caller who has shown a token, for the log.
http::Response of(const control::TokenGrant& grant, http::Response response) {
  response.note().account = grant.account.str();
  response.note().token = grant.token.str();
  return response;
}

// RFC 7240: who wants to know what a deletion ended says so; others get 204, as ever.
bool wants_representation(const http::Request& request) {
  const auto wish = request.header("prefer");
  return wish && wish->contains("return=representation");
}

}  // namespace

Service::Service(Parts parts, http::asio::thread_pool& blocking, Options options)
    : options_(std::move(options)),
      blocking_(blocking),
      origins_(options_.cors_origins),
      authenticator_(parts.gate, parts.feed, parts.audit, blocking, options_.limiter),
      rates_(options_.token_requests_per_s, kRateBurst),
      exchange_(options_, parts.issuer, parts.audit, parts.usage),
      tokens_({parts.store, parts.feed, parts.audit, parts.issuer}, options_),
      usage_(parts.store, std::move(parts.stored)) {
  if (const unsigned calls = exchange_.calls_at_once(); calls > 0)
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
  if (request.path == kEventsPath) {
    if (intake_) co_return co_await intake_->handle(request);
    co_return finish(request, not_found(request.id));
  }
  const Match match = api::match(request.method, request.path);
  if (auto response = answer_stranger(request, match))
    co_return finish(request, std::move(*response));
  const TokenForm form = form_of(*match.action);
  auto grant = authenticator_.find(request, form);
  if (!grant) grant = co_await authenticator_.read(request, form);
  if (!*grant) co_return finish(request, refuse_stranger(grant->error(), request));
  const control::TokenGrant who = **grant;
  if (const auto problem = over_rate(who))
    co_return finish(request, of(who, to_response(*problem, request.id)));
  if (auto response = answer_at_once(request, *match.action, who))
    co_return finish(request, of(who, std::move(*response)));
  co_return finish(request, of(who, co_await answer_later(request, match, std::move(**grant))));
}

// What needs no token: public resources, what does not exist, and preflights.
std::optional<http::Response> Service::answer_stranger(const http::Request& request,
                                                       const Match& match) {
  if (match.action == Action::landing) return landing(request);
  if (match.action == Action::openapi) return json_response(200, std::string(openapi_document()));
  if (!match.action && request.method == http::Method::options && origins_.allowed(request) &&
      !match.allow.empty())
    return preflight(match.allow);
  if (!match.action && match.allow.empty()) return not_found(request.id);
  if (!match.action) return method_not_allowed(match.allow, request.id);
  if (!request.body_complete) return api::refuse(413, request.id);
  return std::nullopt;
}

// Whoever goes on guessing beyond the limit keeps no connection for it.
http::Response Service::refuse_stranger(const Problem& problem, const http::Request& request) {
  http::Response response = to_response(problem, request.id);
  if (problem.code == ProblemCode::rate_limited) response.close_connection();
  return response;
}

// Most requests of a valid token leave an audit record: nobody shall fill the disk with them.
std::optional<Problem> Service::over_rate(const control::TokenGrant& grant) {
  const milliseconds wait = rates_.take(grant.token.str(), std::chrono::steady_clock::now());
  if (wait <= milliseconds(0)) return std::nullopt;
  return Problem{ProblemCode::rate_limited,
                 "This token is used more often than the operator allows; keep credentials until "
                 "they expire.",
                 std::chrono::ceil<std::chrono::seconds>(wait),
                 {}};
}

std::optional<http::Response> Service::answer_at_once(const http::Request& request, Action action,
                                                      const control::TokenGrant& grant) {
  if (action == Action::account) return account(grant);
  if (action == Action::gcp)
    return to_response({ProblemCode::not_implemented,
                        "The export is not in Google Cloud Storage; use /v2/export/credentials.",
                        {},
                        {}},
                       request.id);
  if (action == Action::credentials)
    return exchange_.answer_at_once(request, grant, CredentialsForm::document);
  if (action == Action::container)
    return exchange_.answer_at_once(request, grant, CredentialsForm::container);
  return std::nullopt;
}

http::Task<http::Response> Service::answer_later(const http::Request& request, const Match& match,
                                                 control::TokenGrant grant) {
  switch (*match.action) {
    case Action::credentials:
      co_return co_await exchange(request, std::move(grant), CredentialsForm::document);
    case Action::container:
      co_return co_await exchange(request, std::move(grant), CredentialsForm::container);
    case Action::list_tokens:
      co_return co_await list_tokens(request, std::move(grant));
    case Action::show_token:
      co_return co_await show_token(request, std::move(grant), match.id);
    case Action::account_usage:
      co_return co_await account_usage(request, std::move(grant));
    case Action::create_token:
      co_return co_await create_token(request, std::move(grant));
    case Action::revoke_token:
      co_return co_await revoke_token(request, std::move(grant), match.id);
    default:
      co_return api::refuse(500, request.id);  // everything else was answered at once
  }
}

// Of an issuer that asks another service, on threads of its own: one that hangs holds up nothing
// else, and what waits for it is bounded.
http::Task<http::Response> Service::exchange(const http::Request& request,
                                             control::TokenGrant grant, CredentialsForm form) {
  if (waiting_exchanges_.fetch_add(1) >= kMaxWaitingExchanges) {
    --waiting_exchanges_;
    co_return to_response(busy(), request.id);
  }
  auto work = [this, &request, grant = std::move(grant), form] {
    http::Response answer = exchange_.answer(request, grant, form);
    --waiting_exchanges_;
    return answer;
  };
  co_return co_await http::run_blocking(*minting_, std::move(work));
}

http::Task<http::Response> Service::list_tokens(const http::Request& request,
                                                control::TokenGrant grant) {
  auto work = [this, caller = caller_of(request, std::move(grant)),
               query = std::string(request.query)] { return tokens_.list(caller, query); };
  auto listed = co_await http::run_blocking(blocking_, std::move(work));
  if (!listed) co_return to_response(listed.error(), request.id);
  co_return json_response(200, std::move(*listed));
}

http::Task<http::Response> Service::show_token(const http::Request& request,
                                               control::TokenGrant grant, std::string_view id) {
  auto work = [this, caller = caller_of(request, std::move(grant)), id = std::string(id)] {
    return tokens_.show(caller, id);
  };
  auto shown = co_await http::run_blocking(blocking_, std::move(work));
  if (!shown) co_return to_response(shown.error(), request.id);
  co_return json_response(200, std::move(*shown));
}

http::Task<http::Response> Service::account_usage(const http::Request& request,
                                                  control::TokenGrant grant) {
  Turns::Turn turn;
  const bool admitted = co_await wait_for(sums_, turn);
  if (!admitted) co_return to_response(unavailable(), request.id);
  auto work = [this, caller = caller_of(request, std::move(grant)),
               query = std::string(request.query)] { return usage_.read(caller, query); };
  auto read = co_await http::run_blocking(blocking_, std::move(work));
  if (!read) co_return to_response(read.error(), request.id);
  co_return json_response(200, std::move(*read));
}

http::Task<http::Response> Service::create_token(const http::Request& request,
                                                 control::TokenGrant grant) {
  if (!is_json(request))
    co_return to_response({ProblemCode::unsupported_media_type,
                           "Send the body as Content-Type: application/json.",
                           {},
                           {}},
                          request.id);
  auto work = [this, caller = caller_of(request, std::move(grant)),
               body = std::string(request.body)] { return tokens_.create(caller, body); };
  auto made = co_await http::run_blocking(blocking_, std::move(work));
  if (!made) co_return to_response(made.error(), request.id);
  co_return json_response(201, std::string(made->reveal()));
}

http::Task<http::Response> Service::revoke_token(const http::Request& request,
                                                 control::TokenGrant grant, std::string_view id) {
  auto work = [this, caller = caller_of(request, std::move(grant)), id = std::string(id),
               query = std::string(request.query)] { return tokens_.revoke(caller, id, query); };
  auto revoked = co_await http::run_blocking(blocking_, std::move(work));
  if (!revoked) co_return to_response(revoked.error(), request.id);
  // Who asks for a cut-off wants to know what came of it.
  const bool preferred = wants_representation(request);
  if (!preferred && !read_cut_off(request.query).value_or(false)) co_return no_content();
  http::Response response = json_response(200, std::move(*revoked));
  if (preferred) response.set("Preference-Applied", "return=representation");
  co_return response;
}

http::Response Service::account(const control::TokenGrant& grant) const {
  std::string json = "{\"account_id\":";
  append_json(json, grant.account.str());
  append_json(json += ",\"bucket\":", options_.bucket);
  append_json(json += ",\"prefix\":", access::prefix_of(grant.account));
  if (!options_.public_endpoint.empty())
    append_json(json += ",\"endpoint\":", options_.public_endpoint);
  append_json(json += ",\"region\":", options_.region);
  return json_response(200, std::move(json += '}'));
}

// The address under which this client reaches the API.
std::string Service::url_of(const http::Request& request) const {
  if (!options_.api_public_url.empty()) return options_.api_public_url;
  const auto host = request.header("host").value_or("");
  const auto is_host_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(".-_:[]").contains(c);
  };
  if (host.empty() || !std::ranges::all_of(host, is_host_character))
    return options_.api_listener_url;
  return (request.tls ? "https://" : "http://") + std::string(host);
}

http::Response Service::landing(const http::Request& request) const {
  LandingAddresses addresses{.api = url_of(request),
                             .s3 = options_.public_endpoint,
                             .events = options_.intake_url,
                             .bucket = options_.bucket,
                             .region = options_.region,
                             .console = options_.has_console};
  while (addresses.api.ends_with('/')) addresses.api.pop_back();
  if (intake_) addresses.events = addresses.api + std::string(kEventsPath);
  http::Response response;
  response.set("Content-Security-Policy", "sandbox; default-src 'none'");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Cache-Control", "no-store");  // it names the address that was asked for
  response.body(landing_page(addresses), "text/html; charset=utf-8");
  return response;
}

http::Response Service::preflight(const std::string& methods) const {
  http::Response response = no_content();
  response.set("Access-Control-Allow-Methods", methods);
  response.set("Access-Control-Allow-Headers", "Authorization, Content-Type, Token");
  response.set("Access-Control-Max-Age", "600");
  return response;
}

// What every answer has in common. HEAD needs nothing: the server leaves the body out.
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
