// SPDX-License-Identifier: Apache-2.0
// decode_claims() on arbitrary bytes: what decodes is encoded to the same bytes.
#include <cstdlib>

#include "access/internal/claims.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto claims = valetkey::access::decode_claims(bytes);
  if (claims && valetkey::access::encode_claims(*claims) != bytes) std::abort();
  return 0;
}
