// SPDX-License-Identifier: Apache-2.0
// read_claim() and verify() on arbitrary requests. Input: request line, then a header a line, as in
// HTTP. Whatever comes, nothing verifies, because no signature in the corpus is of this key.
#include <cstdlib>

#include "sigv4/verify.h"

using valetkey::http::Request;

namespace {

std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view piece = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), piece.size() + 1));
  return piece;
}

Request read_request(std::string_view text) {
  Request request;
  request.method_name = take_until(text, ' ');
  request.target = take_until(text, '\n');
  request.query = request.target;
  request.path = take_until(request.query, '?');
  while (!text.empty()) {
    std::string_view line = take_until(text, '\n');
    const std::string_view name = take_until(line, ':');
    request.headers.push_back({name, line});
  }
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Request request = read_request({reinterpret_cast<const char*>(data), size});
  const auto now = valetkey::parse_amz_date("20130524T000000Z").value();
  const auto claim = valetkey::sigv4::read_claim(request, now);
  if (!claim) return 0;
  if (claim->scope.service != "s3" || claim->signed_headers.empty()) std::abort();
  const valetkey::Secret key("nobody signs with this key");
  if (valetkey::sigv4::verify(request, *claim, key)) std::abort();
  return 0;
}
