// SPDX-License-Identifier: Apache-2.0
// The caller: from a request's headers to what its personal access token may do now. The token is
// always looked at first; the failure limiter only changes the answer to a failure. One for all doors of a server, so
// that its limits count whichever door is tried. Thread-safe.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <string_view>

#include "access/token_gate.h"
#include "api/options.h"
#include "api/problem.h"
#include "api/turns.h"
#include "base/keyring.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "http/async.h"
#include "http/message.h"
#include "limits/failure_limiter.h"
#include "limits/pace.h"

namespace valetkey::api {

enum class TokenForm : std::uint8_t {
  bearer,          // Authorization: Bearer <token>, or the older Token: <token>
  bearer_or_bare,  // also Authorization: <token>, as SDKs send AWS_CONTAINER_AUTHORIZATION_TOKEN
  engine,          // as bearer, or an engine token in its place
};

// The token a request presents, or why there is none to look at ("missing", "malformed",
// "conflicting"). Both headers with the same token are fine; a repeated header is conflicting.
std::expected<std::string_view, std::string_view> token_of(const http::Request& request,
                                                           TokenForm form);

class Authenticator {
 public:
  // `keys`: of engine tokens; null: there are none. Of the options those on limits.
  Authenticator(const access::TokenGate& gate, const control::ChangeFeed& feed,
                control::AuditLog& audit, http::asio::thread_pool& blocking, const Options& options,
                const KeySource* keys = nullptr);

  // The answer if this thread knows it; never blocks. Nothing: ask read().
  std::optional<Answer<control::TokenGrant>> find(const http::Request& request, TokenForm form);
  // Looks up, on the blocking pool, the token that find() did not know. Look-ups that run at once are bounded, more narrowly
  // for addresses over the limit; `unavailable` after a wait of 5 s.
  http::Task<Answer<control::TokenGrant>> read(const http::Request& request, TokenForm form);
  // Both, of a token that was presented elsewhere than in a header.
  http::Task<Answer<control::TokenGrant>> read_token(const http::Request& request, Secret token,
                                                     TokenForm form);
  // The same of an operator's token, which no other route takes.
  http::Task<Answer<control::OperatorGrant>> read_operator(const http::Request& request);

  // Counts a request of a token that was found valid. Zero: within its limit; else how long until the next would be.
  milliseconds pace(const TokenId& token);

 private:
  http::Task<Answer<control::TokenGrant>> look_up(const http::Request& request, Digest256 digest);
  std::optional<Answer<control::TokenGrant>> find_token(const http::Request& request,
                                                        std::string_view token, TokenForm form);
  // Of the personal access token that stands behind `token`. Nothing: an engine token that is not one.
  std::optional<Digest256> digest_of(std::string_view token, TokenForm form, Timestamp now) const;
  Answer<control::TokenGrant> judge(const http::Request& request, control::TokenAnswer answer);
  std::unexpected<Problem> refuse(const http::Request& request, std::string_view reason);
  std::unexpected<Problem> refuse_network(const http::Request& request, std::string account,
                                          const TokenId& token);
  Problem count_failure(const http::Request& request, std::string_view reason);

  const access::TokenGate& gate_;
  const control::ChangeFeed& feed_;
  control::AuditLog& audit_;
  http::asio::thread_pool& blocking_;
  limits::FailureLimiter limiter_;
  limits::Rates rates_;
  const KeySource* keys_;
  std::array<Turns, 2> looking_up_{Turns(64), Turns(4)};  // of [trusted, suspect] addresses
};

}  // namespace valetkey::api
