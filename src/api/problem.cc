// SPDX-License-Identifier: Apache-2.0
#include "api/problem.h"

#include <array>

#include "api/json_text.h"
#include "base/log.h"

namespace valetkey::api {
namespace {

struct Row {
  int status;
  std::string_view name;
};

// In the order of ProblemCode.
constexpr std::array<Row, 14> kRows{{
    {400, "invalid_request"},
    {400, "invalid_parameter"},
    {401, "unauthenticated"},
    {403, "forbidden"},
    {404, "not_found"},
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

}  // namespace

int status_of(ProblemCode code) { return row_of(code).status; }
std::string_view name_of(ProblemCode code) { return row_of(code).name; }

Problem unavailable() {
  return {ProblemCode::unavailable,
          "The service is not available at the moment; try again.",
          std::chrono::seconds(1),
          {}};
}

Problem hide(const Error& error, std::string_view doing, std::string_view request_id) {
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

http::Response to_response(const Problem& problem, std::string_view request_id) {
  std::string json = "{\"code\":";
  append_json(json, name_of(problem.code));
  json += ",\"message\":";
  append_json(json, problem.message);
  json += ",\"uuid\":";
  append_json(json, request_id);
  json += '}';
  http::Response response = json_response(status_of(problem.code), std::move(json));
  if (problem.code == ProblemCode::unauthenticated) response.set("WWW-Authenticate", "Bearer");
  if (!problem.allow.empty()) response.set("Allow", problem.allow);
  if (problem.retry_after.count() > 0)
    response.set("Retry-After", std::to_string(problem.retry_after.count()));
  return response;
}

}  // namespace valetkey::api
