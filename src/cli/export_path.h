// SPDX-License-Identifier: Apache-2.0
// What people type for a part of the export. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "client/exchange.h"

namespace valetkey::cli {

// The name below the account's folder of an S3 path as `paths` prints it, of a key, or of such a
// name; the words events and decisions stand for type=events/ and type=decisions/. `denied` for
// another bucket or account.
Result<std::string> name_in_export(const client::Grant& grant, std::string_view typed);

// `invalid` for what can only be a path of this machine.
Result<void> check_part(std::string_view typed);
// `invalid` for a file or folder to write that is none of this machine.
Result<void> check_output(std::string_view output);

}  // namespace valetkey::cli
