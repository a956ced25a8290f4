// SPDX-License-Identifier: Apache-2.0
// The engine that runs SQL in the browser: duckdb-eh.wasm of npm's @duckdb/duckdb-wasm, a file beside
// libduckdb.so, pinned by its digest. Thread-safe.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/message.h"

namespace valetkey::console {

// Of version 1.28.0, as web/package-lock.json pins it: the last with Parquet linked in.
inline constexpr const char* kEngineSha256 =
    "053f5ea4c3db0dab0b5d49851befaf36ae3a2cffd6d2a1e39f9178f3c48dbbe2";

class Engine {
 public:
  // In the program's folder, in lib/valetkey beside it, in /usr/lib/valetkey, and below web/ of a
  // source folder. `not_found`; `corrupt`: another file than the one that is meant. Reads it once.
  static Result<Engine> find(const std::filesystem::path& program);
  const std::string& url() const { return url_; }  // "/engine/duckdb-eh-053f5ea4.wasm"
  std::uint64_t bytes() const { return bytes_; }   // that a browser loads
  // The answer where the request is for it.
  std::optional<http::Response> answer(const http::Request& request) const;

 private:
  std::filesystem::path file_, packed_;  // packed: duckdb-eh.wasm.gz beside it; or empty
  std::string url_;
  std::uint64_t bytes_ = 0;
};

}  // namespace valetkey::console
