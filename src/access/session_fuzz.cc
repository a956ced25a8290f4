// SPDX-License-Identifier: Apache-2.0
// open_session() on arbitrary text: only what was sealed opens, and it is in the corpus.
#include <cstdlib>

#include "access/credentials.h"
#include "base/testing/golden_keyring.h"

using namespace valetkey;

constexpr std::string_view kSealed =
    "AQAAAAdAQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eXzwd_KaRyuLaYKHWxLxrWh7R1KQ6gACHZjiDqGmKpv"
    "S62X5K2vkimYZWRwzYQ7bN3LbKjBh8Uw3PmEpL4I0ElJPuabj-WoBTlt44f6G8Oq5FF81o_dg";

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Keyring keyring = golden_keyring();
  const std::string_view token(reinterpret_cast<const char*>(data), size);
  const auto now = parse_iso8601("2026-01-01T00:30:00Z").value();
  const auto scope = access::open_session(keyring, token, "ASIAABCDEFGHIJ234567", now);
  if (scope && token != kSealed) std::abort();
  return 0;
}
