// SPDX-License-Identifier: Apache-2.0
// Verifies an export that lies in a bucket: every part is read whole and is what was written, no row of the ledger's
// is missing or there twice, closed days say that they are complete, and the files of seen uuids are there. Works while
// a server exports. Reads everything, so it takes a while.
#pragma once

#include <vector>

#include "exporter/export_parts.h"
#include "exporter/ledger.h"
#include "storage/object_store.h"
#include "upkeep/check.h"

namespace valetkey::admin {

struct CheckedExport {
  storage::ObjectStore& store;
  exporter::Ledger& ledger;
  std::vector<exporter::ExportedAccount> accounts;
};

// An Error only where the look itself was impossible.
Result<upkeep::CheckReport> check_parts(const CheckedExport& what, upkeep::CheckProgress& progress);

}  // namespace valetkey::admin
