// SPDX-License-Identifier: Apache-2.0
// `valetkeyd serve`: a Server, announced to those who wait for it, until a signal ends it.
#pragma once

#include "admin/command_line.h"

namespace valetkey::server {

Result<int> serve(admin::CommandContext& context, const admin::ServeFlags& flags);

}  // namespace valetkey::server
