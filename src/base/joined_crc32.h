// SPDX-License-Identifier: Apache-2.0
// The CRC-32 of pieces that were summed up apart. Thread-safe.
#pragma once

#include <cstdint>

namespace valetkey {

// crc32() of two texts, one behind the other; the second has `second_bytes`.
std::uint32_t joined_crc32(std::uint32_t first, std::uint32_t second, std::uint64_t second_bytes);

}  // namespace valetkey
