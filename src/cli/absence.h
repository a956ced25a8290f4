// SPDX-License-Identifier: Apache-2.0
// What to say where a selection matches nothing: which days there are, and which name was meant.
#pragma once

#include <string>

#include "cli/context.h"
#include "cli/selection.h"

namespace valetkey::cli {

// Never a value: `not_found` with what the export has instead, where that can be found out.
Task<Result<void>> nothing_matches(Context& context, Selection selection);
// The same for the name of one object.
Task<Result<void>> no_such_object(Context& context, std::string name);

}  // namespace valetkey::cli
