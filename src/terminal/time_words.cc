// SPDX-License-Identifier: Apache-2.0
#include "terminal/time_words.h"

namespace valetkey::terminal {

using std::chrono::days;

std::optional<milliseconds> read_duration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  const auto parsed = parse_duration(text);
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::optional<days> read_days(std::string_view text) {
  constexpr days kMost{36'500};
  if (!text.ends_with('d') && !text.ends_with('w')) return std::nullopt;
  const auto parsed = parse_duration(text);
  if (!parsed || *parsed > kMost) return std::nullopt;
  return std::chrono::duration_cast<days>(*parsed);
}

std::optional<Day> Day::parse(std::string_view text) {
  if (text == "today") return Day(days(0));
  if (text == "yesterday") return Day(days(1));
  if (const auto back = read_days(text)) return Day(*back);
  if (const auto date = parse_date(text)) return Day(*date);
  return std::nullopt;
}

Date Day::on(Date today) const {
  const auto* const back = std::get_if<days>(&form_);
  return back ? today - *back : std::get<Date>(form_);
}

std::optional<Instant> Instant::parse(std::string_view text) {
  // "7d" is to the millisecond here, as "24h" is.
  if (const auto back = parse_duration(text); back && *back <= days(36'500)) return Instant(*back);
  if (const auto day = Day::parse(text)) return Instant(*day);
  if (const auto instant = parse_iso8601(text)) return Instant(*instant);
  return std::nullopt;
}

Timestamp Instant::first(Timestamp now) const {
  if (const auto* const day = std::get_if<Day>(&form_)) return day->on(date_of(now));
  const auto* const back = std::get_if<milliseconds>(&form_);
  return back ? now - *back : std::get<Timestamp>(form_);
}

Timestamp Instant::last(Timestamp now) const {
  if (!std::holds_alternative<Day>(form_)) return first(now);
  return first(now) + days(1) - milliseconds(1);
}

}  // namespace valetkey::terminal
