// SPDX-License-Identifier: Apache-2.0
// No cookie may open as a sign-in but one that was sealed, and what is read of one is read as it was written.
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "base/testing/golden_keyring.h"
#include "console/internal/away.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  static const Keyring keyring = golden_keyring();
  const Timestamp now = from_epoch_ms(1'767'229'200'000);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (console::open_away(keyring, text, now)) std::abort();
  if (console::open_away(keyring, base64url(text), now)) std::abort();
  if (const auto away = console::parse_away(text); away && away->next.contains('\n')) std::abort();
  return 0;
}
