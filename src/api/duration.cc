// SPDX-License-Identifier: Apache-2.0
#include "api/internal/duration.h"

#include <charconv>
#include <cstdint>

namespace valetkey::api {

std::optional<milliseconds> parse_export_duration(std::string_view text) {
  constexpr std::uint32_t kMost =
      1'000'000;  // hours; far above any configuration, far below overflow
  if (text.size() < 2) return std::nullopt;
  std::uint32_t count = 0;
  const char* const begin = text.data();
  const char* const unit = begin + text.size() - 1;
  const auto [end, error] = std::from_chars(begin, unit, count);
  if (error != std::errc() || end != unit || count > kMost) return std::nullopt;
  switch (*unit) {
    case 'H':
    case 'h':
      return std::chrono::hours(count);
    case 'M':
    case 'm':
      return std::chrono::minutes(count);
    default:
      return std::nullopt;
  }
}

}  // namespace valetkey::api
