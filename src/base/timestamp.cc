// SPDX-License-Identifier: Apache-2.0
#include "base/timestamp.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace valetkey {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Fields {
  int year = 0;
  unsigned month = 0, day = 0;
  int hour = 0, minute = 0, second = 0, millisecond = 0;
};

Fields fields_of(Timestamp t) {
  const Date day = date_of(t);
  const year_month_day ymd(day);
  const hh_mm_ss<milliseconds> time(t - day);
  return {static_cast<int>(ymd.year()),
          static_cast<unsigned>(ymd.month()),
          static_cast<unsigned>(ymd.day()),
          static_cast<int>(time.hours().count()),
          static_cast<int>(time.minutes().count()),
          static_cast<int>(time.seconds().count()),
          static_cast<int>(time.subseconds().count())};
}

void put_number(char* to, std::size_t digits, int value) {
  for (; digits > 0; value /= 10) to[--digits] = static_cast<char>('0' + value % 10);
}

// Up to the second. Written by hand: every grant has one, and fmt took 2 % of an exchange.
std::string text_of(const Fields& f) {
  if (f.year < 0 || f.year > 9999)
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", f.year, f.month, f.day, f.hour,
                       f.minute, f.second);
  std::string out = "0000-00-00T00:00:00";
  put_number(out.data(), 4, f.year);
  put_number(out.data() + 5, 2, static_cast<int>(f.month));
  put_number(out.data() + 8, 2, static_cast<int>(f.day));
  put_number(out.data() + 11, 2, f.hour);
  put_number(out.data() + 14, 2, f.minute);
  put_number(out.data() + 17, 2, f.second);
  return out;
}

// Reads a text from left to right; once something was not as expected, everything fails.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  void literal(std::string_view expected) {
    ok_ = ok_ && rest_.starts_with(expected);
    if (ok_) rest_.remove_prefix(expected.size());
  }
  int number(std::size_t digits) {
    int value = 0;
    ok_ = ok_ && rest_.size() >= digits;
    for (std::size_t i = 0; ok_ && i < digits; ++i) {
      ok_ = rest_[i] >= '0' && rest_[i] <= '9';
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(digits);
    return value;
  }
  // The position of the name that the text goes on with, cut to `length` characters (0: whole).
  template <std::size_t N>
  unsigned one_of(const std::array<std::string_view, N>& names, std::size_t length) {
    for (unsigned i = 0; ok_ && i < N; ++i) {
      const std::string_view name = length == 0 ? names[i] : names[i].substr(0, length);
      if (!rest_.starts_with(name)) continue;
      rest_.remove_prefix(name.size());
      return i;
    }
    ok_ = false;
    return 0;
  }
  // The first three digits of a fraction of any length from 1 to 9.
  int fraction() {
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    ok_ = ok_ && digits >= 1 && digits <= 9;
    if (!ok_) return 0;
    int value = 0;
    for (std::size_t i = 0; i < 3; ++i) value = value * 10 + (i < digits ? rest_[i] - '0' : 0);
    rest_.remove_prefix(digits);
    return value;
  }
  bool at(char c) const { return ok_ && rest_.starts_with(c); }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

void read_time(Reader& in, Fields& f, std::string_view between) {
  f.hour = in.number(2);
  in.literal(between);
  f.minute = in.number(2);
  in.literal(between);
  f.second = in.number(2);
}

std::optional<Date> day_from(const Fields& f) {
  const year_month_day ymd{year(f.year), month(f.month), day(f.day)};
  if (!ymd.ok()) return std::nullopt;
  return sys_days(ymd);
}

std::optional<Timestamp> instant_from(const Fields& f) {
  const std::optional<Date> day = day_from(f);
  if (!day || f.hour > 23 || f.minute > 59 || f.second > 59) return std::nullopt;
  return *day + hours(f.hour) + minutes(f.minute) + seconds(f.second) + milliseconds(f.millisecond);
}

template <class T>
Result<T> or_invalid(const Reader& in, std::optional<T> value, const char* form) {
  if (!in.done() || !value) return fail(ErrorCode::invalid, form);
  return *value;
}

// The instant, if it falls on that day of the week.
std::optional<Timestamp> on_weekday(const Fields& f, unsigned weekday_index) {
  const std::optional<Timestamp> t = instant_from(f);
  if (!t || weekday(date_of(*t)).c_encoding() != weekday_index) return std::nullopt;
  return t;
}

std::optional<Timestamp> read_imf_fixdate(std::string_view text) {
  Reader in(text);
  Fields f;
  const unsigned weekday_index = in.one_of(kWeekdays, 3);
  in.literal(", ");
  f.day = static_cast<unsigned>(in.number(2));
  in.literal(" ");
  f.month = in.one_of(kMonths, 0) + 1;
  in.literal(" ");
  f.year = in.number(4);
  in.literal(" ");
  read_time(in, f, ":");
  in.literal(" GMT");
  return in.done() ? on_weekday(f, weekday_index) : std::nullopt;
}

std::optional<Timestamp> read_rfc850(std::string_view text) {
  Reader in(text);
  Fields f;
  const unsigned weekday_index = in.one_of(kWeekdays, 0);
  in.literal(", ");
  f.day = static_cast<unsigned>(in.number(2));
  in.literal("-");
  f.month = in.one_of(kMonths, 0) + 1;
  in.literal("-");
  const int two_digits = in.number(2);
  f.year = two_digits + (two_digits < 70 ? 2000 : 1900);
  in.literal(" ");
  read_time(in, f, ":");
  in.literal(" GMT");
  return in.done() ? on_weekday(f, weekday_index) : std::nullopt;
}

std::optional<Timestamp> read_asctime(std::string_view text) {
  Reader in(text);
  Fields f;
  const unsigned weekday_index = in.one_of(kWeekdays, 3);
  in.literal(" ");
  f.month = in.one_of(kMonths, 0) + 1;
  in.literal(" ");
  if (in.at(' ')) {
    in.literal(" ");
    f.day = static_cast<unsigned>(in.number(1));
  } else {
    f.day = static_cast<unsigned>(in.number(2));
    if (f.day < 10) return std::nullopt;  // padded with a space, not a zero
  }
  in.literal(" ");
  read_time(in, f, ":");
  in.literal(" ");
  f.year = in.number(4);
  return in.done() ? on_weekday(f, weekday_index) : std::nullopt;
}

struct Unit {
  std::string_view name;
  milliseconds length;
};
// The first that divides a duration is the one that it is written in.
constexpr std::array<Unit, 6> kUnits = {{{"d", days(1)},
                                         {"h", hours(1)},
                                         {"m", minutes(1)},
                                         {"s", seconds(1)},
                                         {"ms", milliseconds(1)},
                                         {"w", std::chrono::weeks(1)}}};

}  // namespace

Date date_of(Timestamp t) { return floor<days>(t); }

std::string format_date(Date d) {
  const year_month_day ymd(d);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(ymd.year()),
                     static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()));
}

std::string format_iso8601(Timestamp t) { return text_of(fields_of(t)).append("Z"); }

std::string format_iso8601_ms(Timestamp t) {
  const Fields f = fields_of(t);
  std::string out = text_of(f).append(".000Z");
  put_number(out.data() + out.size() - 4, 3, f.millisecond);
  return out;
}

std::string format_http_date(Timestamp t) {
  const Fields f = fields_of(t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kWeekdays[weekday(date_of(t)).c_encoding()].substr(0, 3), f.day,
                     kMonths[f.month - 1], f.year, f.hour, f.minute, f.second);
}

std::string format_amz_date(Timestamp t) {
  const Fields f = fields_of(t);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", f.year, f.month, f.day, f.hour, f.minute,
                     f.second);
}

Result<Date> parse_date(std::string_view text) {
  Reader in(text);
  Fields f;
  f.year = in.number(4);
  in.literal("-");
  f.month = static_cast<unsigned>(in.number(2));
  in.literal("-");
  f.day = static_cast<unsigned>(in.number(2));
  return or_invalid(in, day_from(f), "a date must be a real day written YYYY-MM-DD");
}

Result<Timestamp> parse_iso8601(std::string_view text) {
  Reader in(text);
  Fields f;
  f.year = in.number(4);
  in.literal("-");
  f.month = static_cast<unsigned>(in.number(2));
  in.literal("-");
  f.day = static_cast<unsigned>(in.number(2));
  in.literal("T");
  read_time(in, f, ":");
  if (in.at('.')) {
    in.literal(".");
    f.millisecond = in.fraction();
  }
  in.literal("Z");
  return or_invalid(in, instant_from(f), "a time must be written YYYY-MM-DDTHH:MM:SSZ");
}

Result<Timestamp> parse_http_date(std::string_view text) {
  for (const auto read : {read_imf_fixdate, read_rfc850, read_asctime})
    if (const std::optional<Timestamp> t = read(text)) return *t;
  return fail(ErrorCode::invalid, "an HTTP date must be written Mon, 14 Sep 2020 11:21:28 GMT");
}

Result<Timestamp> parse_amz_date(std::string_view text) {
  Reader in(text);
  Fields f;
  f.year = in.number(4);
  f.month = static_cast<unsigned>(in.number(2));
  f.day = static_cast<unsigned>(in.number(2));
  in.literal("T");
  read_time(in, f, "");
  in.literal("Z");
  return or_invalid(in, instant_from(f), "a time must be written YYYYMMDDTHHMMSSZ");
}

Result<milliseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kForm =
      "a duration must be a whole number and s, m, h, d, w or ms, as 90d";
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit_name = text.substr(digits);
  const auto unit = std::ranges::find(kUnits, unit_name, &Unit::name);
  if (digits == 0 || unit == kUnits.end()) return fail(ErrorCode::invalid, std::string(kForm));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / unit->length.count();
  std::int64_t value = 0;
  for (const char c : text.substr(0, digits)) {
    if (value > (most - (c - '0')) / 10)
      return fail(ErrorCode::invalid, "the duration is too long to count in milliseconds");
    value = value * 10 + (c - '0');
  }
  return unit->length * value;
}

std::string format_duration(milliseconds d) {
  if (d.count() == 0) return "0s";
  for (const Unit& unit : kUnits)
    if (d % unit.length == milliseconds(0)) return fmt::format("{}{}", d / unit.length, unit.name);
  return fmt::format("{}ms", d.count());
}

}  // namespace valetkey
