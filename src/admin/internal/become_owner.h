// SPDX-License-Identifier: Apache-2.0
// Commands that root runs on a folder of the service's user would leave files there that the
// service cannot write. So root becomes the folder's owner first.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace valetkey::admin {

// Gives up root for good where `folder` (or, before `init`, the folder it will lie in) belongs to
// someone else; does nothing for others.
Result<void> become_owner(const std::filesystem::path& folder);

}  // namespace valetkey::admin
