// SPDX-License-Identifier: Apache-2.0
// What goes wrong, as a client sees it: {"code","message","uuid"}. The one table from a failure to
// a status line; nothing of an Error's detail passes here, it is logged. Pure but for the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace valetkey::api {

enum class ProblemCode : std::uint8_t {
  invalid_request,
  invalid_parameter,
  unauthenticated,
  forbidden,
  not_found,
  conflict,
  method_not_allowed,
  timeout,
  too_large,
  unsupported_media_type,
  rate_limited,
  headers_too_large,
  internal,
  not_implemented,
  unavailable,
};
int status_of(ProblemCode code);
std::string_view name_of(ProblemCode code);

struct Problem {
  ProblemCode code = ProblemCode::internal;
  std::string message;                  // one sentence for the client's user; UTF-8
  std::chrono::seconds retry_after{0};  // 0: no such header
  std::string allow;                    // of method_not_allowed
  // For the log: whose request, and the real reason where the client gets less than that.
  http::Note note{};
  std::string field{};  // of the request, where one is at fault; told where it is set
  bool closes = false;  // the connection: of a client that guesses on beyond the limit
};

template <class T>
using Answer = Result<T, Problem>;

inline std::unexpected<Problem> problem(ProblemCode code, std::string message) {
  return std::unexpected(Problem{code, std::move(message), {}, {}});
}
Problem no_such_resource();
Problem wrong_method(std::string allow);
Problem not_json();  // where a body must be
// The same instant answer for every server that cannot say yes or no at the moment.
Problem unavailable();
// The same where too many ask for credentials: each gets another time to come back.
Problem busy();
// The detail of an error whose words are written for people, as a sentence: of what a person typed.
std::string sentence_of(const Error& error);
// Logs `error` with what was being done and gives the client's view: unavailable or internal.
Problem hidden_failure(const Error& error, std::string_view doing, std::string_view request_id);

http::Response to_response(const Problem& problem, std::string_view request_id);
// The answer to what never became a request, by the status that http gives it.
http::Response refuse(int status, std::string_view request_id);
// 204, no-store.
http::Response no_content();
// `json` as it stands; no-store, since most answers of this API are one person's or a secret.
http::Response json_response(int status, std::string json);

}  // namespace valetkey::api
