// SPDX-License-Identifier: Apache-2.0
#include "s3/cors.h"

#include <algorithm>

namespace valetkey::s3 {
namespace {

constexpr std::string_view kExposed =
    "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Language, Content-Length, "
    "Content-Range, Date, ETag, Last-Modified, x-amz-bucket-region, x-amz-checksum-crc32, "
    "x-amz-checksum-type, x-amz-id-2, x-amz-request-id, x-amz-server-side-encryption";

// A list of header names as a browser sends it: it goes back into a header, so nothing else may.
bool is_header_list(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == ',' || c == ' ';
  });
}

}  // namespace

void Cors::decorate(const http::Request& request, http::Response& response) const {
  if (origins_.empty()) return;
  response.set("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  const auto origin = origins_.allowed(request);
  if (!origin) return;
  http::allow_origin(response, *origin);
  response.set("Access-Control-Expose-Headers", kExposed);
}

Answer<http::Response> Cors::preflight(const http::Request& request) const {
  const auto origin = request.header("origin");
  const auto method = request.header("access-control-request-method");
  if (!origin)
    return refuse(Code::bad_request, "Insufficient information. Origin request header needed.");
  if (!method)
    return refuse(Code::bad_request,
                  "Insufficient information. Access-Control-Request-Method header needed.");
  const auto headers = request.header("access-control-request-headers").value_or("");
  if (!origins_.allowed(request) || (*method != "GET" && *method != "HEAD") ||
      !is_header_list(headers))
    return refuse(Code::access_forbidden);
  http::Response response(200);
  response.set("Access-Control-Allow-Methods", "GET, HEAD");
  response.set("Access-Control-Max-Age", "3000");
  if (!headers.empty()) response.set("Access-Control-Allow-Headers", headers);
  return response;
}

}  // namespace valetkey::s3
