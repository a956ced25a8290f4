// SPDX-License-Identifier: Apache-2.0
#include "cli/day_words.h"

#include <charconv>
#include <optional>
#include <string>

namespace valetkey::cli {
namespace {

constexpr int kMostDays = 36'500;

// Of "30d" or "4w".
std::optional<std::chrono::days> parse_days(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const int unit = text.back() == 'd' ? 1 : text.back() == 'w' ? 7 : 0;
  text.remove_suffix(1);
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (unit == 0 || error != std::errc{} || end != text.data() + text.size() || number < 0 ||
      number > kMostDays / unit)
    return std::nullopt;
  return std::chrono::days(number * unit);
}

}  // namespace

Result<Date> parse_day(std::string_view text, Date today) {
  if (text == "today") return today;
  if (text == "yesterday") return today - std::chrono::days(1);
  if (const auto back = parse_days(text)) return today - *back;
  if (auto date = parse_date(text)) return date;
  return fail(ErrorCode::invalid, kDayForm);
}

Result<Date> parse_last(std::string_view text, Date today) {
  const auto length = parse_days(text);
  if (!length || length->count() == 0)
    return fail(ErrorCode::invalid, "whole days or weeks such as 30d or 4w, today included");
  return today - (*length - std::chrono::days(1));
}

}  // namespace valetkey::cli
