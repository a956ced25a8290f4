// SPDX-License-Identifier: Apache-2.0
// Encoders are undone by their decoders, and canonical decoders by their encoders.
#include <cstdlib>

#include "base/encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  require(*unhex(hex(text)) == text);
  require(*unbase64(base64(text)) == text);
  require(*unbase64url(base64url(text)) == text);
  require(*percent_decode(percent_encode(text)) == text);
  require(*percent_decode(percent_encode(text, true)) == text);
  if (const auto bytes = unhex(text)) require(hex(*bytes).size() == text.size());
  if (const auto bytes = unbase64(text)) require(base64(*bytes) == text);
  if (const auto bytes = unbase64url(text)) require(base64url(*bytes) == text);
  static_cast<void>(percent_decode(text));
  static_cast<void>(is_utf8(text));
  return 0;
}
