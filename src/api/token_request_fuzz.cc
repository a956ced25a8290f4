// SPDX-License-Identifier: Apache-2.0
#include "api/token_request.h"

#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"

// What is read keeps its promises; a refusal's message can be written as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const Timestamp now = from_epoch_ms(1'795'000'000'000);
  const auto read = api::parse_token_request({reinterpret_cast<const char*>(data), size}, now);
  if (!read) {
    if (read.error().message.empty() || !is_utf8(read.error().message)) std::abort();
    return 0;
  }
  const bool sound = !read->name.empty() && read->name.size() <= 400 && is_utf8(read->name) &&
                     read->scopes != control::TokenScopes{} &&
                     (!read->expires || *read->expires > now) &&
                     (!read->user || !read->user->empty());
  if (!sound) std::abort();
  return 0;
}
