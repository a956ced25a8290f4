// SPDX-License-Identifier: Apache-2.0
// parse_exchange() and message_of_problem() on arbitrary bytes: what is accepted can be used as it
// is.
#include <cstdlib>

#include "client/exchange.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  if (client::message_of_problem(body).size() > 1024) std::abort();
  const auto grant = client::parse_exchange(body, Timestamp{});
  if (!grant) return 0;
  if (!grant->prefix.ends_with('/') || grant->bucket.empty() || grant->region.empty()) std::abort();
  if (!http::Url::parse(grant->endpoint) || grant->keys.access_key_id.empty()) std::abort();
  if (grant->s3_path().find('\n') != std::string::npos) std::abort();
  return 0;
}
