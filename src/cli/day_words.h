// SPDX-License-Identifier: Apache-2.0
// Days as people say them. Pure; all days are UTC, as those of the export.
#pragma once

#include <string_view>

#include "base/timestamp.h"

namespace valetkey::cli {

inline constexpr const char* kDayForm =
    "a date such as 2026-03-10, today, yesterday, or days or weeks ago such as 7d or 2w";

// `invalid` for anything but kDayForm.
Result<Date> parse_day(std::string_view text, Date today);

// The first of the last so many days, today included: of "30d", "4w".
Result<Date> parse_last(std::string_view text, Date today);

}  // namespace valetkey::cli
