// SPDX-License-Identifier: Apache-2.0
#include "terminal/size.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

namespace valetkey::terminal {
namespace {

// What the unit stands for; 0: it is none.
std::uint64_t bytes_of(std::string_view unit) {
  std::string name;
  for (const char c : unit) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (name.empty() || name == "B") return 1;
  const auto power = std::string_view("KMGTP").find(name[0]);
  if (power == std::string_view::npos) return 0;
  const std::string_view rest = std::string_view(name).substr(1);
  if (rest != "" && rest != "B" && rest != "IB" && rest != "I") return 0;
  std::uint64_t bytes = 1;
  for (std::size_t i = 0; i <= power; ++i) bytes *= rest == "B" ? 1000 : 1024;
  return bytes;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  std::string_view unit = text.substr(digits);
  if (unit.size() > 1 && unit[0] == ' ') unit.remove_prefix(1);
  const std::uint64_t each = bytes_of(unit);
  if (number.empty() || each == 0 || number[0] == '.' || number.back() == '.') return std::nullopt;
  const char* const end = number.data() + number.size();
  if (number.find('.') == std::string_view::npos) {
    std::uint64_t count = 0;
    const auto [at, error] = std::from_chars(number.data(), end, count);
    std::uint64_t bytes = 0;
    if (error != std::errc() || at != end || __builtin_mul_overflow(count, each, &bytes))
      return std::nullopt;
    return bytes;
  }
  double count = 0;
  const auto [at, error] = std::from_chars(number.data(), end, count);
  const double bytes = std::round(count * static_cast<double>(each));
  if (error != std::errc() || at != end || bytes >= 0x1p63) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  auto value = static_cast<double>(bytes);
  // What would round to 1024.0 is one of the next unit.
  for (; value >= (unit == 0 ? 1024 : 1023.95) && unit + 1 < units.size(); ++unit) value /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string count_text(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string exact_size_text(std::uint64_t bytes) {
  constexpr std::array units{"", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  for (; bytes > 0 && bytes % 1024 == 0 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return fmt::format("{}{}", bytes, units[unit]);
}

}  // namespace valetkey::terminal
