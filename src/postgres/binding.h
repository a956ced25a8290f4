// SPDX-License-Identifier: Apache-2.0
// What a database belongs to, by name: the first who says it is right for good.
#pragma once

#include <string>
#include <string_view>

#include "postgres/database.h"

namespace valetkey::postgres {

// Notes `value` under `name` unless there is one; returns the one that is there. Of a database that was migrated.
Result<std::string> bind_once(Server& server, std::string_view name, std::string_view value);

}  // namespace valetkey::postgres
