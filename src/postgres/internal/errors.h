// SPDX-License-Identifier: Apache-2.0
// What PostgreSQL and libpq say, as an Error of one sentence with its remedy. Pure.
// Source: https://www.postgresql.org/docs/15/errcodes-appendix.html
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::postgres {

struct Refusal {
  ErrorCode code = ErrorCode::internal;
  bool may_repeat = false;  // another transaction was in the way
  bool move_on = false;     // this server takes no more: another connection is to be made
};
Refusal refusal_of(std::string_view sqlstate);

// Of a statement: "NAME: MESSAGE; REMEDY".
Error statement_error(std::string_view name, std::string_view sqlstate, std::string_view message);

// libpq's report of a connection that failed, which has a line or two for each host, as one line.
std::string one_line(std::string_view message);

}  // namespace valetkey::postgres
