// SPDX-License-Identifier: Apache-2.0
// Object files that no index row names and no running writer has noted. A part of check.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "storage/disk_store.h"
#include "storage/object_id.h"
#include "upkeep/check.h"

namespace valetkey::upkeep {

struct Orphans {
  std::vector<storage::ObjectId> files;  // sorted
  std::vector<std::string> strangers;    // one sentence for each thing that is no object file
};

Result<Orphans> find_orphans(storage::DiskStore& store);
// Looks again under the writer lock and removes what is older than an hour; says of each file what
// was done in report.repaired, or why it remains in report.problems.
Result<void> remove_orphans(storage::DiskStore& store, Timestamp now, CheckReport& report);
std::string describe_orphan(const storage::ObjectId& id);

}  // namespace valetkey::upkeep
