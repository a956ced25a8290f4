// SPDX-License-Identifier: Apache-2.0
#include "api/authentication.h"

#include <fmt/format.h>

#include <chrono>

#include "access/engine_token.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/token_form.h"
#include "control/tokens.h"

namespace valetkey::api {
namespace {

constexpr std::chrono::seconds kRateBurst{20};  // a job that starts asks often, then rarely
constexpr std::string_view kEngineToken = "engine_token";  // that is none, or not any more

struct Presented {
  std::string_view authorization;
  std::string_view token;
  bool has_authorization = false;
  bool has_token = false;
  bool repeated = false;
};

Presented presented_in(const http::Request& request) {
  Presented found;
  const auto take = [&found](std::string_view& to, bool& has, std::string_view value) {
    found.repeated = found.repeated || has;
    has = true;
    to = value;
  };
  for (const http::Header& header : request.headers) {
    if (equal_ignoring_case(header.name, "authorization"))
      take(found.authorization, found.has_authorization, header.value);
    else if (equal_ignoring_case(header.name, "token"))
      take(found.token, found.has_token, header.value);
  }
  return found;
}

// The token of an Authorization header's value; empty if it has another form.
std::string_view token_in(std::string_view value, TokenForm form) {
  const std::size_t space = value.find(' ');
  if (space == std::string_view::npos) return form == TokenForm::bearer_or_bare ? value : "";
  if (!equal_ignoring_case(value.substr(0, space), "bearer")) return "";
  value.remove_prefix(space);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return value;
}

// What a stranger is told. The checksum of a token is no secret, so a slip is called one; whether a
// token was ever known is nobody's business.
std::string advice_on(std::string_view reason) {
  if (reason == "missing") return "Send a personal access token: Authorization: Bearer <token>.";
  if (reason == control::name_of(control::TokenRefusal::mistyped))
    return fmt::format("The personal access token is {}", kMistypedToken);
  if (reason == kEngineToken)
    return "The access token is not valid, or its hour is over: ask for another with the personal "
           "access token.";
  return "The personal access token is not valid: check it, or generate a new one.";
}

}  // namespace

std::expected<std::string_view, std::string_view> token_of(const http::Request& request,
                                                           TokenForm form) {
  const Presented found = presented_in(request);
  if (found.repeated) return std::unexpected("conflicting");
  if (!found.has_authorization && !found.has_token) return std::unexpected("missing");
  if (!found.has_authorization) return found.token;
  const std::string_view token = token_in(found.authorization, form);
  if (token.empty()) return std::unexpected("malformed");
  if (found.has_token && !equal_in_constant_time(found.token, token))
    return std::unexpected("conflicting");
  return token;
}

Authenticator::Authenticator(const access::TokenGate& gate, const control::ChangeFeed& feed,
                             control::AuditLog& audit, http::asio::thread_pool& blocking,
                             const Options& options, const KeySource* keys)
    : gate_(gate),
      feed_(feed),
      audit_(audit),
      blocking_(blocking),
      limiter_(options.limiter),
      rates_(options.token_requests_per_s, kRateBurst),
      keys_(keys) {}

std::optional<Answer<control::TokenGrant>> Authenticator::find(const http::Request& request,
                                                               TokenForm form) {
  if (!feed_.fresh()) return std::unexpected(unavailable());
  const auto token = token_of(request, form);
  if (!token) return refuse(request, token.error());
  return find_token(request, *token, form);
}

std::optional<Answer<control::TokenGrant>> Authenticator::find_token(const http::Request& request,
                                                                     std::string_view token,
                                                                     TokenForm form) {
  std::optional<control::TokenAnswer> known;
  if (form == TokenForm::engine && access::is_engine_token(token)) {
    const auto digest = digest_of(token, form, request.now);
    if (!digest) return refuse(request, kEngineToken);
    known = gate_.find(*digest, request.now);
  } else {
    known = gate_.find(token, request.now);
  }
  if (!known) return std::nullopt;
  return judge(request, std::move(*known));
}

std::optional<Digest256> Authenticator::digest_of(std::string_view token, TokenForm form,
                                                  Timestamp now) const {
  if (form != TokenForm::engine || !access::is_engine_token(token))
    return control::token_digest(token);
  if (keys_ == nullptr) return std::nullopt;
  const auto opened = access::open_engine_token(*keys_->get(), token, now);
  return opened ? std::optional(opened->token) : std::nullopt;
}

http::Task<Answer<control::TokenGrant>> Authenticator::read(const http::Request& request,
                                                            TokenForm form) {
  const auto token = token_of(request, form);
  if (!token) co_return refuse(request, token.error());
  const auto digest = digest_of(*token, form, request.now);
  if (!digest) co_return refuse(request, kEngineToken);
  co_return co_await look_up(request, *digest);
}

http::Task<Answer<control::TokenGrant>> Authenticator::read_token(const http::Request& request,
                                                                  Secret token, TokenForm form) {
  if (!feed_.fresh()) co_return std::unexpected(unavailable());
  if (auto known = find_token(request, token.reveal(), form)) co_return std::move(*known);
  const auto digest = digest_of(token.reveal(), form, request.now);
  if (!digest) co_return refuse(request, kEngineToken);
  co_return co_await look_up(request, *digest);
}

http::Task<Answer<control::TokenGrant>> Authenticator::look_up(const http::Request& request,
                                                               Digest256 digest) {
  if (!feed_.fresh()) co_return std::unexpected(unavailable());
  Turns::Turn turn;
  const bool suspect = limiter_.is_over(request.client.block(), request.now);
  const bool admitted = co_await wait_for(looking_up_[suspect ? 1 : 0], turn);
  if (!admitted) co_return std::unexpected(unavailable());
  auto work = [&gate = gate_, digest, now = request.now] { return gate.read(digest, now); };
  Result<access::TokenReading> reading = co_await http::run_blocking(blocking_, std::move(work));
  if (!reading)
    co_return std::unexpected(hidden_failure(reading.error(), "looking up a token", request.id));
  gate_.remember(digest, *reading);
  co_return judge(request, std::move(reading->answer));
}

http::Task<Answer<control::OperatorGrant>> Authenticator::read_operator(
    const http::Request& request) {
  if (!feed_.fresh()) co_return std::unexpected(unavailable());
  const auto presented = token_of(request, TokenForm::bearer);
  if (!presented) co_return refuse(request, presented.error());
  const Secret token{std::string(*presented)};
  Turns::Turn turn;
  const bool suspect = limiter_.is_over(request.client.block(), request.now);
  const bool admitted = co_await wait_for(looking_up_[suspect ? 1 : 0], turn);
  if (!admitted) co_return std::unexpected(unavailable());
  auto work = [&gate = gate_, token, now = request.now] {
    return gate.read_operator(token.reveal(), now);
  };
  auto answer = co_await http::run_blocking(blocking_, std::move(work));
  if (!answer)
    co_return std::unexpected(hidden_failure(answer.error(), "looking up a token", request.id));
  if (!*answer) co_return refuse(request, control::name_of(answer->error()));
  if (!(*answer)->narrowing.admits(request.client))
    co_return refuse_network(request, {}, (*answer)->token);
  co_return std::move(**answer);
}

milliseconds Authenticator::pace(const TokenId& token) {
  return rates_.take(token.str(), std::chrono::steady_clock::now());
}

Answer<control::TokenGrant> Authenticator::judge(const http::Request& request,
                                                 control::TokenAnswer answer) {
  if (answer && !answer->narrowing.admits(request.client))
    return refuse_network(request, answer->account.str(), answer->token);
  if (answer) return std::move(*answer);
  auto refused = refuse(request, control::name_of(answer.error().why));
  if (answer.error().account) refused.error().note.account = answer.error().account->str();
  if (answer.error().token) refused.error().note.token = answer.error().token->str();
  return refused;
}

std::unexpected<Problem> Authenticator::refuse(const http::Request& request,
                                               std::string_view reason) {
  Problem problem = count_failure(request, reason);
  problem.note.reason = reason;
  return std::unexpected(std::move(problem));
}

// The token counts, but not from here.
std::unexpected<Problem> Authenticator::refuse_network(const http::Request& request,
                                                       std::string account, const TokenId& token) {
  auto refused = refuse(request, "outside_network");
  refused.error().note.account = std::move(account);
  refused.error().note.token = token.str();
  if (refused.error().code != ProblemCode::unauthenticated) return refused;
  refused.error().code = ProblemCode::forbidden;
  refused.error().message = "This token is limited to other networks than that of " +
                            request.client.str() + ": use it from one of its own.";
  return refused;
}

Problem Authenticator::count_failure(const http::Request& request, std::string_view reason) {
  const http::Address block = request.client.block();
  audit_.refused(reason, block.str(), request.now);
  const milliseconds wait = limiter_.failed(block, request.now);
  if (wait > milliseconds(0))
    return {.code = ProblemCode::rate_limited,
            .message = "Too many failed attempts from this address; wait before the next.",
            .retry_after = std::chrono::ceil<std::chrono::seconds>(wait),
            .allow = {},
            .closes = true};
  return {ProblemCode::unauthenticated, advice_on(reason), {}, {}};
}

}  // namespace valetkey::api
