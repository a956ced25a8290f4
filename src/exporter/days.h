// SPDX-License-Identifier: Apache-2.0
// Days that are over: small parts are merged and _SUCCESS says that a day is complete; days that an account's retention
// has passed are removed. For one thread at a time.
#pragma once

#include <vector>

#include "exporter/batches.h"
#include "exporter/export_parts.h"
#include "exporter/settling.h"

namespace valetkey::exporter {

class Days {
 public:
  Days(ExportParts& parts, Batches& batches) : parts_(parts), batches_(batches) {}
  // Closes the days that are over. Needs all their events exported, so it exports what waits first; while other nodes
  // have not exported theirs, or the fence has not passed, it closes none. Returns how many.
  Result<std::size_t> close_days();
  // Removes the days that each account's retention has passed; returns how many objects.
  Result<std::size_t> apply_retention();

 private:
  Result<void> close_day(Date day);
  // Merges what it gets to before `until`, and tells by the way whether the day's _SUCCESS is there already.
  Result<void> compact(const AccountId& account, layout::RowType type, Date day, Timestamp until,
                       bool& marked);
  Result<void> compact_partition(layout::RowType type,
                                 const std::vector<storage::ObjectInfo>& parts);
  ExportParts& parts_;
  Batches& batches_;
  Settling settling_{parts_, batches_};
  bool settled_ = false;  // what the former process left half done is looked at
};

}  // namespace valetkey::exporter
