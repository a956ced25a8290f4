// SPDX-License-Identifier: Apache-2.0
#include "console/service.h"

#include "api/strict_json.h"
#include "console/internal/cookie.h"
#include "console/internal/origin.h"
#include "http/co_try.h"

namespace valetkey::console {
namespace {

constexpr std::string_view kPrefix = "/v2/console/";
constexpr std::size_t kMaxBodyBytes = 16 * 1024;
constexpr std::chrono::minutes kSignInLives{10};

Problem busy() {
  return {.code = ProblemCode::rate_limited,
          .message = "Too many people ask for this at the moment: try again in a few seconds.",
          .retry_after = std::chrono::seconds(5),
          .allow = {}};
}

Problem pages_off() {
  return {ProblemCode::not_found,
          "The web console of this server is off: its operator can set [console] enabled = true.",
          {},
          {}};
}

}  // namespace

Service::Service(Parts parts, Pages pages) : parts_(std::move(parts)), pages_(std::move(pages)) {}

std::size_t Service::max_body_bytes(const http::Request& head) const {
  if (head.path.starts_with(kPrefix)) return kMaxBodyBytes;
  return parts_.api.max_body_bytes(head);
}

http::Response Service::refuse(int status, const http::Request& head) const {
  return parts_.api.refuse(status, head);
}

http::Task<http::Response> Service::handle(const http::Request& request) {
  if (auto page = pages_.answer(request)) {
    page->set("X-Request-Id", request.id);
    co_return std::move(*page);
  }
  if (parts_.engine != nullptr)
    if (auto engine = parts_.engine->answer(request)) co_return std::move(*engine);
  const bool ours = request.path.starts_with(kPrefix);
  if (ours && parts_.sign_in == nullptr) co_return api::to_response(pages_off(), request.id);
  auto match =
      (ours ? parts_.pages_routes : parts_.programs_routes).match(request.method, request.path);
  if (match.route == nullptr && !ours && match.allow.empty())
    co_return co_await parts_.api.handle(request);
  if (match.route == nullptr)
    co_return api::to_response(
        match.allow.empty() ? api::no_such_resource() : api::wrong_method(match.allow), request.id);
  if (!request.body_complete) co_return api::refuse(413, request.id);
  Answer<Reply> answer = ours ? co_await answer_page(request, std::move(match))
                              : co_await answer_program(request, std::move(match));
  if (!answer) co_return api::to_response(answer.error(), request.id);
  co_return respond(request, *std::move(answer));
}

http::Task<Answer<Reply>> Service::answer_page(const http::Request& request, Routes::Match match) {
  const bool secure = is_secure(request);
  VALETKEY_CO_CHECK(check_origin(request, secure));
  const auto cookie = read_cookie(request, CookieKind::session, secure);
  Call call = call_of(request, std::move(match.ids));
  co_return co_await run(*match.route, std::move(call), std::string(cookie.value_or("")));
}

http::Task<Answer<Reply>> Service::answer_program(const http::Request& request,
                                                  Routes::Match match) {
  if (request.method != http::Method::get && request.method != http::Method::head &&
      !request.body.empty() && !api::is_json(request))
    co_return std::unexpected(api::not_json());
  Call call = call_of(request, std::move(match.ids));
  VALETKEY_CO_TRY(call.who, co_await authenticate(request, *match.route));
  co_return co_await run(*match.route, std::move(call), {});
}

http::Task<Answer<Who>> Service::authenticate(const http::Request& request, const Route& route) {
  if (route.access == Access::operator_) {
    VALETKEY_CO_TRY(const auto grant, co_await parts_.authenticator.read_operator(request));
    co_return Who{.token = grant.token,
                  .user = {grant.user, {}, {}, control::Role::operator_, {}, {}},
                  .scopes = grant.scopes,
                  .expires = grant.expires,
                  .narrowing = grant.narrowing,
                  .session = {}};
  }
  auto known = parts_.authenticator.find(request, api::TokenForm::bearer);
  if (!known) known = co_await parts_.authenticator.read(request, api::TokenForm::bearer);
  if (!*known) co_return std::unexpected(known->error());
  const control::TokenGrant& grant = **known;
  co_return Who{.token = grant.token,
                .user = {grant.user, {}, grant.account, grant.role, {}, {}},
                .scopes = grant.scopes,
                .expires = grant.expires,
                .narrowing = grant.narrowing,
                .session = {}};
}

http::Task<Answer<Reply>> Service::run(const Route& route, Call call, std::string cookie) {
  if (call.who && parts_.authenticator.pace(call.who->token) > milliseconds(0))
    co_return std::unexpected(busy());
  // One who waits for a turn of an effort holds none of those that everybody needs.
  api::Turns::Turn turn, effort;
  bool admitted =
      route.effort == Effort::quick || co_await api::wait_for(turns(route.effort), effort);
  admitted = admitted && co_await api::wait_for(calls_, turn);
  if (!admitted) co_return std::unexpected(busy());
  co_return co_await http::run_blocking(
      parts_.blocking, [this, &route, call = std::move(call), cookie = std::move(cookie)] {
        return work(route, call, cookie);
      });
}

api::Turns& Service::turns(Effort effort) {
  switch (effort) {
    case Effort::quick:
      return calls_;
    case Effort::hashes:
      return hashes_;
    case Effort::reads:
      return reads_;
    case Effort::asks:
      break;
  }
  return asks_;
}

Answer<Reply> Service::work(const Route& route, Call call, const std::string& cookie) {
  if (!call.who && route.access != Access::open) {
    VALETKEY_TRY(call.who, parts_.sign_in->find(cookie, call));
  }
  if (route.access != Access::open) VALETKEY_CHECK(check_access(route, *call.who));
  return route.work(call);
}

bool Service::is_secure(const http::Request& request) const {
  return request.tls || parts_.public_url.starts_with("https://");
}

Call Service::call_of(const http::Request& request, std::vector<std::string> ids) const {
  const bool secure = is_secure(request);
  return {.ids = std::move(ids),
          .query = std::string(request.query),
          .body = std::string(request.body),
          .now = request.now,
          .client = request.client.str(),
          .address = request.client,
          .request_id = std::string(request.id),
          .host = std::string(request.header("host").value_or("localhost")),
          .cookie = std::string(read_cookie(request, CookieKind::sign_in, secure).value_or("")),
          .secure = secure};
}

http::Response Service::respond(const http::Request& request, Reply reply) const {
  http::Response response = reply.json.empty() ? http::Response(reply.status)
                                               : api::json_response(reply.status, reply.json);
  if (reply.json.empty()) response.set("Cache-Control", "no-store");
  response.set("X-Request-Id", request.id);
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  const bool secure = is_secure(request);
  if (reply.session)
    response.set("Set-Cookie",
                 cookie_line(CookieKind::session, secure, reply.session->reveal(), kSessionLives));
  if (reply.sign_in)
    response.set("Set-Cookie",
                 cookie_line(CookieKind::sign_in, secure, *reply.sign_in, kSignInLives));
  if (!reply.location.empty()) response.set("Location", reply.location);
  return response;
}

}  // namespace valetkey::console
