// SPDX-License-Identifier: Apache-2.0
// The files of uuids that were exported: one list for each partition of the log, since equal uuids meet in one. The file
// of a batch, the merging of many, the dropping of what the window has passed. For one thread at a time.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "exporter/export_parts.h"
#include "exporter/seen_uuids.h"

namespace valetkey::exporter {

class SeenFiles {
 public:
  explicit SeenFiles(ExportParts& parts) : parts_(parts) {}
  // Drops from `unseen`, of a batch of the partition, what was exported before.
  Result<void> subtract(unsigned partition, Deduplicator& unseen);
  // Keeps what stays of a batch as an object, for the ledger to name.
  Result<SeenFile> store(const ExportBatch& batch, const Deduplicator& unseen, Timestamp now);
  // Drops what the window has passed, and merges the files of a partition when they are many.
  Result<void> tidy(Timestamp now);

 private:
  Result<void> tidy(unsigned partition, Timestamp now);
  Result<void> remove_strays(unsigned partition, const std::vector<SeenFile>& files);
  Result<SeenFile> merge(unsigned partition, const std::vector<SeenFile>& files, Timestamp now);
  ExportParts& parts_;
  std::set<unsigned> tidy_;  // whose strays are gone
};

}  // namespace valetkey::exporter
