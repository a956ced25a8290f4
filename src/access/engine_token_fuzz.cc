// SPDX-License-Identifier: Apache-2.0
// No text may open as an engine token but one that was sealed.
#include <cstdint>
#include <cstdlib>

#include "access/engine_token.h"
#include "base/encoding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  static const Keyring keyring =
      Keyring::parse(
          "valetkey-keyring 1 next=8\n"
          "key 7 session created=2026-01-01T00:00:00.000Z active=2026-01-01T00:00:00.000Z "
          "retired=- material=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
          "crc32 d4e67a60\n")
          .value();
  const Timestamp now = from_epoch_ms(1'767'229'200'000);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (access::open_engine_token(keyring, text, now)) std::abort();
  if (access::open_engine_token(keyring, "vkeng_" + base64url(text), now)) std::abort();
  return 0;
}
