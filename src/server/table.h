// SPDX-License-Identifier: Apache-2.0
// What the commands that list print with.
#pragma once

#include "terminal/table.h"

namespace valetkey::server {

using terminal::Table;

}  // namespace valetkey::server
