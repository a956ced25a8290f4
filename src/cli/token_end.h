// SPDX-License-Identifier: Apache-2.0
// Warnings, days ahead, that a token ends and the jobs that use it with it. Pure.
#pragma once

#include <string>

#include "client/exchange.h"

namespace valetkey::cli {

inline constexpr milliseconds kToldBefore = std::chrono::days(7);

// "the token expires in 3 days, at 2026-01-31T12:00:00Z: …"; empty: it does not, or not soon.
std::string token_end_remark(const client::Grant& grant, Timestamp now);

}  // namespace valetkey::cli
