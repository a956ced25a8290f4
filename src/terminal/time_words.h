// SPDX-License-Identifier: Apache-2.0
// Days, instants and lengths of time as people type them. Pure; all days are UTC, as those of the
// export. Durations are read by base's parse_duration.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "base/timestamp.h"

namespace valetkey::terminal {

inline constexpr std::string_view kDurationForm =
    "a whole number and a unit such as 90d, 12h, 15m or 30s";
inline constexpr std::string_view kDaysForm = "whole days or weeks such as 30d or 4w";
inline constexpr std::string_view kDayForm =
    "a date such as 2026-01-31, today, yesterday, or days or weeks ago such as 7d or 2w";
inline constexpr std::string_view kInstantForm =
    "a date such as 2026-01-31, an instant such as 2026-01-31T12:00:00Z, today, yesterday, or a "
    "time ago such as 24h or 7d";

// Of kDurationForm, or 0.
std::optional<milliseconds> read_duration(std::string_view text);
// Of kDaysForm; a hundred years at most.
std::optional<std::chrono::days> read_days(std::string_view text);

// A day that may be counted back from today.
class Day {
 public:
  static std::optional<Day> parse(std::string_view text);  // of kDayForm
  Date on(Date today) const;

 private:
  using Form = std::variant<Date, std::chrono::days>;
  explicit Day(Form form) : form_(form) {}
  Form form_;
};

// An instant that may be counted back from now, or a day, which begins and ends.
class Instant {
 public:
  static std::optional<Instant> parse(std::string_view text);  // of kInstantForm
  Timestamp first(Timestamp now) const;
  Timestamp last(Timestamp now) const;  // the day's last millisecond

 private:
  using Form = std::variant<Timestamp, milliseconds, Day>;
  explicit Instant(Form form) : form_(form) {}
  Form form_;
};

}  // namespace valetkey::terminal
