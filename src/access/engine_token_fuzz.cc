// SPDX-License-Identifier: Apache-2.0
// No text may open as an engine token but one that was sealed.
#include <cstdint>
#include <cstdlib>

#include "access/engine_token.h"
#include "base/encoding.h"
#include "base/testing/golden_keyring.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  static const Keyring keyring = golden_keyring();
  const Timestamp now = from_epoch_ms(1'767'229'200'000);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (access::open_engine_token(keyring, text, now)) std::abort();
  if (access::open_engine_token(keyring, "vkeng_" + base64url(text), now)) std::abort();
  return 0;
}
