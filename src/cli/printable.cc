// SPDX-License-Identifier: Apache-2.0
#include "cli/printable.h"

namespace valetkey::cli {
namespace {

// Bytes of the character at the front of `text` that no terminal should get; 0 if it is harmless.
std::size_t harmful(std::string_view text) {
  const auto at = [&text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  if (at(0) < 0x20 || at(0) == 0x7F) return 1;
  if (at(0) == 0xC2 && at(1) >= 0x80 && at(1) < 0xA0) return 2;                    // C1
  if (at(0) == 0xE2 && at(1) == 0x80 && at(2) >= 0xAA && at(2) <= 0xAE) return 3;  // U+202A to 202E
  if (at(0) == 0xE2 && at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9) return 3;  // U+2066 to 2069
  return 0;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = harmful(text);
    out += bytes > 0 ? '?' : text[0];
    text.remove_prefix(bytes > 0 ? bytes : 1);
  }
  return out;
}

}  // namespace valetkey::cli
