// SPDX-License-Identifier: Apache-2.0
// For tests and benchmarks: a new private folder that goes with its owner.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/crypto.h"

namespace valetkey {

class TemporaryFolder {
 public:
  // `parent`: a benchmark names the disk that it measures.
  explicit TemporaryFolder(const std::filesystem::path& parent = in_memory())
      : path_(parent / ("valetkey-test-" + random_base62(12))) {
    std::filesystem::create_directories(path_);
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  // In memory where that is possible: tests wait for fsync more than for anything else.
  static std::filesystem::path in_memory() {
    const std::filesystem::path memory = "/dev/shm";
    return std::filesystem::is_directory(memory) && std::getenv("TMPDIR") == nullptr
               ? memory
               : std::filesystem::temp_directory_path();
  }
  std::filesystem::path path_;
};

}  // namespace valetkey
