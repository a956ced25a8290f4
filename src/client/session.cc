// SPDX-License-Identifier: Apache-2.0
#include "client/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/token_form.h"
#include "http/co_try.h"

namespace valetkey::client {
namespace {

constexpr milliseconds kLargestMargin = std::chrono::minutes(5);
// In a second or so: a proxy's own page may pass, the wrong address stays.
constexpr unsigned kGarbledAttempts = 4;
constexpr milliseconds kLongestWait =
    std::chrono::hours(1);  // for another's exchange; it has its own limits

std::string described(const http::ClientResponse& answer) {
  const std::string message = message_of_problem(answer.body);
  return std::to_string(answer.status) + (message.empty() ? "" : " (" + message + ")");
}

std::unexpected<Error> refusal(const std::string& api, const http::ClientResponse& answer) {
  if (answer.status == 401) {
    const std::string message = message_of_problem(answer.body);
    return fail(ErrorCode::denied,
                fmt::format("{} refuses the token: {}", api,
                            message.contains("mistyped")
                                ? message
                                : "it is revoked, expired or of another server, or its user or "
                                  "account is no longer active"));
  }
  if (answer.status == 403) {
    const std::string message = message_of_problem(answer.body);
    return fail(ErrorCode::denied, fmt::format("{} does not give this token credentials: {}", api,
                                               message.empty() ? described(answer) : message));
  }
  if (answer.status == 429 || answer.status >= 500)
    return fail(ErrorCode::unavailable, api + " answers " + described(answer));
  // As servers answer a plain request at their TLS port.
  if (api.starts_with("http:") && answer.body.contains("HTTPS"))
    return fail(ErrorCode::io, api + ": this port speaks TLS: use https://");
  return fail(ErrorCode::corrupt, api + " answers " + described(answer) +
                                      ", not as an exchange does: a proxy or a login page may have "
                                      "answered: check VALETKEY_API");
}

}  // namespace

milliseconds refresh_margin(milliseconds life, milliseconds least_left) {
  const milliseconds usual = std::min(kLargestMargin, life / 5);
  return life > least_left ? std::max(usual, least_left) : usual;
}

Session::Session(http::asio::io_context& loop, http::Client& http, const Clock& clock,
                 SessionOptions options, const SteadyClock& steady)
    : loop_(loop),
      http_(http),
      clock_(clock),
      steady_(steady),
      options_(std::move(options)),
      fetched_(loop) {}

http::Task<Result<GrantPtr>> Session::get() {
  const Timestamp now = clock_.now();
  // While somebody fetches early, the others go on with what they have.
  if (valid(now) && (now < refresh_at_ || fetching_)) co_return grant_;
  co_return co_await fetch_for_all();
}

http::Task<Result<GrantPtr>> Session::replace(GrantPtr refused) {
  if (grant_ == refused) grant_.reset();
  co_return co_await get();
}

http::Task<Result<GrantPtr>> Session::fetch_for_all() {
  if (fetching_) {
    while (fetching_) co_await fetched_.async_wait(http::asio::as_tuple(http::asio::deferred));
    if (valid(clock_.now())) co_return grant_;
    co_return std::unexpected(last_error_);
  }
  fetching_ = true;
  fetched_.expires_after(kLongestWait);
  Result<Grant> made = co_await exchange_patiently();
  fetching_ = false;
  if (made) {
    take(std::move(*made));
  } else {
    last_error_ = made.error();
  }
  fetched_.cancel();
  if (made) co_return grant_;
  if (!valid(clock_.now())) co_return std::unexpected(last_error_);
  // The service is down and the old ones still live: try again later.
  refresh_at_ = clock_.now() + backoff(failures_++, seconds(1), seconds(30));
  co_return grant_;
}

http::Task<Result<Grant>> Session::exchange_patiently() {
  const auto give_up = steady_.now() + options_.patience;
  const StallMonitor::Call call(options_.monitor);
  for (unsigned attempt = 0, garbled = 0;; ++attempt) {
    auto made = co_await exchange_once();
    if (made && options_.monitor) options_.monitor->moved();
    if (made || valid(clock_.now())) co_return made;
    const bool passing = made.error().code == ErrorCode::unavailable ||
                         (made.error().code == ErrorCode::corrupt && ++garbled < kGarbledAttempts);
    const auto left = std::chrono::ceil<milliseconds>(give_up - steady_.now());
    if (!passing || left <= milliseconds(0)) co_return made;
    if (options_.monitor) options_.monitor->failed(made.error(), give_up);
    co_await pause(loop_,
                   std::min(left, backoff(attempt, options_.first_pause, options_.longest_pause)));
  }
}

http::Task<Result<Grant>> Session::exchange_once() {
  if (is_mistyped_token(options_.token.reveal()))
    co_return fail(ErrorCode::denied, fmt::format("the token is {}", kMistypedToken));
  VALETKEY_CO_TRY(auto url, http::Url::parse(options_.api));
  VALETKEY_CO_CHECK(check_private(url, options_.allow_http));
  while (url.target.ends_with('/')) url.target.pop_back();
  url.target += "/v2/export/credentials";
  if (asks_for_an_hour_) url.target += "?duration=1h";
  http::ClientRequest request;
  request.url = url;
  request.headers.emplace_back("Authorization", "Bearer " + std::string(options_.token.reveal()));
  request.headers.emplace_back("Accept", "application/json");
  const Timestamp now = clock_.now();
  const std::string api = url.scheme + "://" + url.authority();
  if (options_.monitor) options_.monitor->asked(api);
  VALETKEY_CO_TRY(auto answer, co_await http_.send(std::move(request), kMaxExchangeBytes));
  if (answer.status == 400 && asks_for_an_hour_) {  // the operator's longest may be less
    asks_for_an_hour_ = false;
    co_return co_await exchange_once();
  }
  if (answer.status != 200) co_return refusal(api, answer);
  auto grant = parse_exchange(answer.body, now);
  wipe(answer.body);
  if (!grant) co_return fail(ErrorCode::corrupt, api + ": " + grant.error().detail);
  if (const std::string* ends = answer.header("x-valetkey-token-expires"))
    if (const auto at = parse_iso8601(*ends)) grant->token_expires = *at;
  const auto endpoint = http::Url::parse(grant->endpoint);
  VALETKEY_CO_CHECK(check_private(*endpoint, options_.allow_http));
  if (grant->expires <= clock_.now())
    co_return fail(ErrorCode::denied,
                   api +
                       " gives credentials that are already over: set the clock of "
                       "this machine");
  co_return grant;
}

void Session::take(Grant grant) {
  const auto life = grant.expires - grant.fetched;
  const auto margin = refresh_margin(life, options_.least_left);
  refresh_at_ = grant.expires - margin - jitter(std::min(margin / 5, (life - margin) / 2));
  failures_ = 0;
  ++exchanges_;
  grant_ = std::make_shared<const Grant>(std::move(grant));
}

}  // namespace valetkey::client
