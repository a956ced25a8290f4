// SPDX-License-Identifier: Apache-2.0
#include "cli/token_end.h"

#include <fmt/format.h>

namespace valetkey::cli {
namespace {

// "3 days": rounded down, in the unit that leaves the number readable.
std::string left_text(milliseconds left) {
  const auto text = [](long count, const char* unit) {
    return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s");
  };
  if (left >= std::chrono::days(2)) return text(left / std::chrono::days(1), "day");
  if (left >= std::chrono::hours(2)) return text(left / std::chrono::hours(1), "hour");
  return text(std::max(left / std::chrono::minutes(1), 1L), "minute");
}

}  // namespace

std::string token_end_remark(const client::Grant& grant, Timestamp now) {
  if (!grant.token_expires || *grant.token_expires - now > kToldBefore) return "";
  const milliseconds left = std::max(*grant.token_expires - now, milliseconds(0));
  return fmt::format(
      "the token expires in {}, at {}: ask for a new one, and save it with `valetkey configure`",
      left_text(left), format_iso8601(*grant.token_expires));
}

}  // namespace valetkey::cli
