// SPDX-License-Identifier: Apache-2.0
// Numbers, of bytes and of things, as people write and read them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace valetkey::terminal {

inline constexpr std::string_view kSizeForm = "a size such as 500, 10MiB or 1.5GB";

// A number, with a fraction or without one, and a unit: none or B for bytes; kB, MB, GB, TB, PB for
// powers of 1000; KiB, MiB, GiB, TiB, PiB, and K, M, G, T, P alone, for powers of 1024. Case does
// not matter, a space before the unit neither. Nothing for anything else and on overflow.
std::optional<std::uint64_t> parse_size(std::string_view text);

std::string size_text(std::uint64_t bytes);                          // "1.5 GiB"
std::string count_text(std::uint64_t count, std::string_view noun);  // "1 part", "2 parts"
// The shortest exact form that parse_size() reads: "64MiB", "3500000".
std::string exact_size_text(std::uint64_t bytes);

}  // namespace valetkey::terminal
