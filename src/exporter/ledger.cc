// SPDX-License-Identifier: Apache-2.0
#include "exporter/ledger.h"

#include <algorithm>

namespace valetkey::exporter {

Result<std::uint64_t> Ledger::floor(unsigned partition) {
  VALETKEY_TRY(const auto done, consumed(partition));
  VALETKEY_TRY(const auto batch, unfinished(partition));
  return batch ? std::max(done, batch->next) : done;
}

ExportCounts& ExportCounts::operator+=(const ExportCounts& other) {
  events += other.events;
  rows += other.rows;
  duplicates += other.duplicates;
  set_aside += other.set_aside;
  late += other.late;
  parts += other.parts;
  bytes += other.bytes;
  return *this;
}

IntakeLosses& IntakeLosses::operator+=(const IntakeLosses& later) {
  for (const auto& [mine, theirs] :
       {std::pair(&dropped, &later.dropped), std::pair(&altered, &later.altered)})
    for (const auto& [account, reasons] : *theirs)
      for (const auto& [reason, count] : reasons) (*mine)[account][reason] += count;
  unknown_events += later.unknown_events;
  if (later.unknown_events > 0) last_unknown = later.last_unknown;
  return *this;
}

}  // namespace valetkey::exporter
