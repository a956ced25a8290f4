// SPDX-License-Identifier: Apache-2.0
// The files of uuids that were exported: one list for each partition of the log, since equal uuids meet in one. The
// comparison of a batch with them, the file of a batch, the merging of many, the dropping of what the window has passed.
// For one thread at a time.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "exporter/export_parts.h"
#include "exporter/recent_uuids.h"
#include "exporter/seen_uuids.h"

namespace valetkey::exporter {

class SeenFiles {
 public:
  explicit SeenFiles(ExportParts& parts)
      : parts_(parts), recent_(parts.options.recent_uuid_bytes) {}
  // Drops from `unseen`, of a batch of the partition, what was exported before, as far as it is compared
  // (ExporterOptions::dedup). `all_since`: with what was exported from that day on in any case.
  Result<void> subtract(unsigned partition, Deduplicator& unseen, std::optional<Date> all_since);
  // Keeps what stays of a batch as an object, for the ledger to name.
  Result<SeenFile> store(const ExportBatch& batch, const Deduplicator& unseen, Timestamp now);
  // Drops what the window has passed, and merges files of a partition where there are many.
  Result<void> tidy(Timestamp now);

 private:
  Result<void> recall(unsigned partition, std::vector<SeenFile> files);
  Result<void> tidy(unsigned partition, Timestamp now);
  Result<void> remove_strays(unsigned partition, const std::vector<SeenFile>& files);
  std::vector<SeenFile> choose(const std::vector<SeenFile>& files, Date today) const;
  Result<SeenFile> merge(unsigned partition, const std::vector<SeenFile>& files, Timestamp now);
  ExportParts& parts_;
  RecentUuids recent_;
  std::set<unsigned> tidy_;  // whose strays are gone
};

}  // namespace valetkey::exporter
