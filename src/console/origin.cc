// SPDX-License-Identifier: Apache-2.0
#include "console/internal/origin.h"

#include "api/strict_json.h"

namespace valetkey::console {
namespace {

using api::ProblemCode;

// Browsers say it themselves where the connection counts as secure; elsewhere they send Origin.
bool is_of_own_page(const http::Request& request, bool secure) {
  if (const auto site = request.header("sec-fetch-site")) return *site == "same-origin";
  const auto origin = request.header("origin");
  const auto host = request.header("host");
  if (!origin || !host || request.count("origin") != 1 || request.count("host") != 1) return false;
  return *origin == std::string(secure ? "https://" : "http://").append(*host);
}

}  // namespace

api::Answer<void> check_origin(const http::Request& request, bool secure) {
  if (request.method == http::Method::get || request.method == http::Method::head) return {};
  if (request.header("x-valetkey-console") != "1" || !is_of_own_page(request, secure))
    return api::problem(ProblemCode::forbidden,
                        "Only the console's own page may ask for this; programs use the routes of "
                        "/openapi.json with a token.");
  if (!request.body.empty() && !api::is_json(request))
    return api::problem(ProblemCode::unsupported_media_type,
                        "Send the body as Content-Type: application/json.");
  return {};
}

}  // namespace valetkey::console
