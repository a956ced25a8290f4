// SPDX-License-Identifier: Apache-2.0
#include "server/duckdb_library.h"

#include <fmt/format.h>

namespace valetkey::server {
namespace fs = std::filesystem;

Result<fs::path> find_duckdb(const Config::Export& config, const fs::path& program) {
  std::error_code ignored;
  if (!config.duckdb_library.empty()) {
    if (fs::exists(config.duckdb_library, ignored)) return fs::path(config.duckdb_library);
    return fail(ErrorCode::not_found,
                fmt::format("[export] duckdb_library: there is no {}", config.duckdb_library));
  }
  const fs::path folder = program.parent_path();
  for (const fs::path& place : {folder.parent_path() / "lib/valetkey/libduckdb.so",
                                fs::path("/usr/lib/valetkey/libduckdb.so"),
                                folder.parent_path().parent_path().parent_path() /
                                    "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"})
    if (fs::exists(place, ignored)) return place;
  return fail(ErrorCode::not_found,
              "there is no libduckdb.so: run script/bootstrap in a source folder, or install the "
              "package, or name the file with [export] duckdb_library");
}

fs::path running_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored);
}

}  // namespace valetkey::server
