// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/become_owner.h"

#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

namespace valetkey::admin {

Result<void> become_owner(const std::filesystem::path& folder) {
  struct stat found = {};
  if (geteuid() != 0) return {};
  if (::stat(folder.c_str(), &found) != 0 &&
      ::stat(std::filesystem::absolute(folder).parent_path().c_str(), &found) != 0)
    return {};
  if (found.st_uid == 0) return {};
  if (::setgroups(0, nullptr) == 0 && ::setgid(found.st_gid) == 0 && ::setuid(found.st_uid) == 0)
    return {};
  return fail_errno("cannot become the owner of " + folder.string());
}

}  // namespace valetkey::admin
