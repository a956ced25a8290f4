// SPDX-License-Identifier: Apache-2.0
// The form with which an engine asks for a token, and its Basic authorization: the first line, without "Basic ".
#include <cstdint>
#include <cstdlib>

#include "tables/internal/oauth.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto line = std::min(input.find('\n'), input.size());
  const std::string authorization = "Basic " + std::string(input.substr(0, line));
  http::Request request;
  request.headers = {{"Authorization", authorization}};
  request.body = input.substr(std::min(line + 1, input.size()));
  const auto wish = tables::read_token_wish(request);
  if (wish && wish->token.size() == 0) std::abort();
  if (!wish && (wish.error().status != 400 && wish.error().status != 401)) std::abort();
  return 0;
}
