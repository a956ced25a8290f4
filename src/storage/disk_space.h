// SPDX-License-Identifier: Apache-2.0
// How full the disk of a folder is, for the watermark in the metrics and for refusing work early.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"

namespace valetkey::storage {

struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // to this user
  double used_ratio() const {
    return total_bytes == 0
               ? 0
               : 1 - static_cast<double>(available_bytes) / static_cast<double>(total_bytes);
  }
};

Result<DiskSpace> read_disk_space(const std::filesystem::path& folder);

}  // namespace valetkey::storage
