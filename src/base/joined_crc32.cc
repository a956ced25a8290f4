// SPDX-License-Identifier: Apache-2.0
#include "base/joined_crc32.h"

#include <zlib.h>

namespace valetkey {

std::uint32_t joined_crc32(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_combine(first, second, static_cast<z_off_t>(second_bytes)));
}

}  // namespace valetkey
