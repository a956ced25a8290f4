// SPDX-License-Identifier: Apache-2.0
#include "duckdb/library.h"

#include <fmt/format.h>

namespace valetkey::duckdb {
namespace fs = std::filesystem;

Result<fs::path> find_library(const std::string& configured, std::string_view setting,
                              const fs::path& program) {
  std::error_code ignored;
  if (!configured.empty()) {
    if (fs::exists(configured, ignored)) return fs::path(configured);
    return fail(ErrorCode::not_found, fmt::format("{}: there is no {}", setting, configured));
  }
  const fs::path folder = program.parent_path();
  for (const fs::path& place :
       {folder / "libduckdb.so", folder.parent_path() / "lib/valetkey/libduckdb.so",
        fs::path("/usr/lib/valetkey/libduckdb.so"),
        folder.parent_path().parent_path().parent_path() /
            "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"})
    if (fs::exists(place, ignored)) return place;
  return fail(ErrorCode::not_found,
              fmt::format("there is no libduckdb.so: run script/bootstrap in a source folder, or "
                          "install the package, or name the file with {}",
                          setting));
}

fs::path running_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored);
}

}  // namespace valetkey::duckdb
