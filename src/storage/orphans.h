// SPDX-License-Identifier: Apache-2.0
// Object files that no index row names and no running writer has noted. A part of check.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "storage/check.h"
#include "storage/disk_store.h"

namespace valetkey::storage {

struct Orphans {
  std::vector<ObjectId> files;         // sorted
  std::vector<std::string> strangers;  // one sentence for each thing that is no object file
};

Result<Orphans> find_orphans(DiskStore& store);
// Looks again under the writer lock and removes what is older than an hour; says of each file what
// was done in report.repaired, or why it remains in report.problems.
Result<void> remove_orphans(DiskStore& store, Timestamp now, CheckReport& report);
std::string describe_orphan(const ObjectId& id);

}  // namespace valetkey::storage
