// SPDX-License-Identifier: Apache-2.0
// Which libduckdb.so is loaded, and what it must be: one release, pinned by its digest.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey::duckdb {

// Of libduckdb.so in npm's @duckdb/node-bindings-linux-x64, as package-lock.json pins it.
inline constexpr const char* kLibrarySha256 =
    "fc23f12e376c47be520f75221288281906e7942e8fd6f6ce4849198ba60d0405";

// `configured` where it is not empty; else in the program's folder, in lib/valetkey beside that
// folder, in /usr/lib/valetkey, and below the node_modules of a source folder whose
// build/<preset>/bin holds the program. `not_found` names the remedy, `setting` among it. Whether it
// is the right one is found out when it is loaded.
Result<std::filesystem::path> find_library(const std::string& configured, std::string_view setting,
                                           const std::filesystem::path& program);
// This program's own file.
std::filesystem::path running_program();

}  // namespace valetkey::duckdb
