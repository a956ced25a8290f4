// SPDX-License-Identifier: Apache-2.0
#include "storage/disk_space.h"

#include <sys/statvfs.h>

namespace valetkey::storage {

Result<DiskSpace> read_disk_space(const std::filesystem::path& folder) {
  struct statvfs status{};
  if (statvfs(folder.c_str(), &status) != 0) return fail_errno(folder.string());
  return DiskSpace{status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize};
}

}  // namespace valetkey::storage
