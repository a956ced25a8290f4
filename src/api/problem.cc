// SPDX-License-Identifier: Apache-2.0
#include "api/problem.h"

#include <array>

#include "base/crypto.h"
#include "base/json_text.h"
#include "base/log.h"

namespace valetkey::api {
namespace {

struct Row {
  int status;
  std::string_view name;
};

// In the order of ProblemCode.
constexpr std::array<Row, 15> kRows{{
    {400, "invalid_request"},
    {400, "invalid_parameter"},
    {401, "unauthenticated"},
    {403, "forbidden"},
    {404, "not_found"},
    {409, "conflict"},
    {405, "method_not_allowed"},
    {408, "timeout"},
    {413, "too_large"},
    {415, "unsupported_media_type"},
    {429, "rate_limited"},
    {431, "headers_too_large"},
    {500, "internal"},
    {501, "not_implemented"},
    {503, "unavailable"},
}};
static_assert(kRows.size() == static_cast<std::size_t>(ProblemCode::unavailable) + 1);

const Row& row_of(ProblemCode code) { return kRows[static_cast<std::size_t>(code)]; }

ProblemCode code_of(int status) {
  switch (status) {
    case 400:
      return ProblemCode::invalid_request;
    case 408:
      return ProblemCode::timeout;
    case 413:
      return ProblemCode::too_large;
    case 431:
      return ProblemCode::headers_too_large;
    case 503:
      return ProblemCode::unavailable;
    default:
      return ProblemCode::internal;
  }
}

std::string message_of(ProblemCode code) {
  switch (code) {
    case ProblemCode::invalid_request:
      return "This is not a valid HTTP request.";
    case ProblemCode::timeout:
      return "The request took too long to arrive.";
    case ProblemCode::too_large:
      return "The body is larger than any request of this API.";
    case ProblemCode::headers_too_large:
      return "The head of the request is too large.";
    case ProblemCode::unavailable:
      return unavailable().message;
    default:
      return "The server failed; its log has the reason under this uuid.";
  }
}

}  // namespace

int status_of(ProblemCode code) { return row_of(code).status; }
std::string_view name_of(ProblemCode code) { return row_of(code).name; }

Problem unavailable() {
  return {ProblemCode::unavailable,
          "The service is not available at the moment; try again.",
          std::chrono::seconds(1),
          {}};
}

Problem busy() {
  std::uint8_t random = 0;
  random_bytes({&random, 1});
  return {ProblemCode::unavailable,
          "More credentials are asked for than can be issued at the moment; try again.",
          std::chrono::seconds(2 + random % 9),
          {}};
}

Problem no_such_resource() {
  return {ProblemCode::not_found, "There is no such resource; see /openapi.json.", {}, {}};
}

Problem wrong_method(std::string allow) {
  std::string message = "This resource knows only the methods " + allow + ".";
  return {ProblemCode::method_not_allowed, std::move(message), {}, std::move(allow)};
}

Problem not_json() {
  return {ProblemCode::unsupported_media_type,
          "Send the body as Content-Type: application/json.",
          {},
          {}};
}

std::string sentence_of(const Error& error) {
  std::string text = error.detail;
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

Problem hidden_failure(const Error& error, std::string_view doing, std::string_view request_id) {
  log::error("api", "A request failed",
             {{"doing", doing},
              {"error", valetkey::name_of(error.code)},
              {"detail", error.detail},
              {"request", request_id}});
  if (error.code == ErrorCode::unavailable || error.code == ErrorCode::busy) return unavailable();
  return {
      ProblemCode::internal, "The server failed; its log has the reason under this uuid.", {}, {}};
}

http::Response json_response(int status, std::string json) {
  http::Response response(status);
  response.set("Cache-Control", "no-store").set("X-Content-Type-Options", "nosniff");
  response.body(std::move(json), "application/json");
  return response;
}

http::Response refuse(int status, std::string_view request_id) {
  const ProblemCode code = code_of(status);
  Problem problem{code, message_of(code), {}, {}};
  if (code == ProblemCode::unavailable) problem.retry_after = unavailable().retry_after;
  return to_response(problem, request_id);
}

http::Response no_content() {
  http::Response response(204);
  response.set("Cache-Control", "no-store");
  return response;
}

http::Response to_response(const Problem& problem, std::string_view request_id) {
  std::string json = "{\"code\":";
  append_json(json, name_of(problem.code));
  json += ",\"message\":";
  append_json(json, problem.message);
  if (!problem.field.empty()) append_json(json += ",\"field\":", problem.field);
  json += ",\"uuid\":";
  append_json(json, request_id);
  json += '}';
  http::Response response = json_response(status_of(problem.code), std::move(json));
  response.note() = problem.note;
  if (response.note().reason.empty()) response.note().reason = name_of(problem.code);
  response.note().detail = problem.message;
  if (problem.code == ProblemCode::unauthenticated) response.set("WWW-Authenticate", "Bearer");
  if (!problem.allow.empty()) response.set("Allow", problem.allow);
  if (problem.retry_after.count() > 0)
    response.set("Retry-After", std::to_string(problem.retry_after.count()));
  if (problem.closes) response.close_connection();
  return response;
}

}  // namespace valetkey::api
