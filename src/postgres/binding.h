// SPDX-License-Identifier: Apache-2.0
// What a database belongs to, by name: the first name that is given is kept until it is bound again.
#pragma once

#include <string>
#include <string_view>

#include "postgres/database.h"

namespace valetkey::postgres {

// Notes `value` under `name` unless there is one; returns the one that is there. Of a database that was migrated.
Result<std::string> bind_once(Server& server, std::string_view name, std::string_view value);
// What is noted under `name`, or `otherwise` where nothing is.
Result<std::string> bound_to(Server& server, std::string_view name, std::string_view otherwise);
// Where `former` is noted, `value` is from now on.
Result<void> bind_again(Server& server, std::string_view name, std::string_view former,
                        std::string_view value);

}  // namespace valetkey::postgres
