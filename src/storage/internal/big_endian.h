// SPDX-License-Identifier: Apache-2.0
// Integers as the on-disk formats write them: most significant byte first.
#pragma once

#include <cstdint>
#include <string>

namespace valetkey::storage {

template <class Integer>
void append_big_endian(std::string& out, Integer value) {
  for (int shift = static_cast<int>(sizeof(Integer)) * 8 - 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

}  // namespace valetkey::storage
