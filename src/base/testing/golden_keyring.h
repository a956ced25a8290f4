// SPDX-License-Identifier: Apache-2.0
// For tests: the keyring that the golden session tokens are of.
#pragma once

#include "base/keyring.h"

namespace valetkey {

// One session key, id 7, of the bytes 0 to 31.
inline Keyring golden_keyring() {
  return Keyring::parse(
             "valetkey-keyring 1 next=8\n"
             "key 7 session created=2026-01-01T00:00:00.000Z active=2026-01-01T00:00:00.000Z "
             "retired=- material=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"
             "crc32 d4e67a60\n")
      .value();
}

}  // namespace valetkey
