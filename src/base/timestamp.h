// SPDX-License-Identifier: Apache-2.0
// Instants, days and durations and their written forms. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey {

using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;  // UTC
using Date = std::chrono::sys_days;                                  // a UTC day
using std::chrono::milliseconds;
using std::chrono::seconds;

inline Timestamp from_epoch_ms(std::int64_t ms) { return Timestamp(milliseconds(ms)); }
inline std::int64_t epoch_ms(Timestamp t) { return t.time_since_epoch().count(); }
Date date_of(Timestamp t);

std::string format_date(Date d);             // 2020-09-14
std::string format_iso8601(Timestamp t);     // 2020-09-14T11:21:28Z, fractions dropped
std::string format_iso8601_ms(Timestamp t);  // 2020-09-14T11:21:28.123Z: S3's LastModified, logs
std::string format_http_date(Timestamp t);   // Mon, 14 Sep 2020 11:21:28 GMT
std::string format_amz_date(Timestamp t);    // 20200914T112128Z

// Each is `invalid` for anything but the exact form, impossible dates included.
Result<Date> parse_date(std::string_view text);
Result<Timestamp> parse_iso8601(std::string_view text);    // with or without fractions; Z only
Result<Timestamp> parse_http_date(std::string_view text);  // IMF-fixdate, RFC 850 and asctime forms
Result<Timestamp> parse_amz_date(std::string_view text);

// "90d", "12h", "15m", "30s", "200ms": one non-negative integer and one unit; overflow is
// `invalid`.
Result<milliseconds> parse_duration(std::string_view text);
std::string format_duration(milliseconds d);  // the shortest exact form that parse_duration reads

}  // namespace valetkey
