// SPDX-License-Identifier: Apache-2.0
#include "exporter/settling.h"

#include <algorithm>

namespace valetkey::exporter {

Result<bool> Settling::settled(const std::string& what, std::optional<Date> sealed) {
  if (!under_way_ || under_way_->what != what) {
    VALETKEY_TRY(auto mark, batches_.arrived());
    under_way_ = {what, std::move(mark), std::nullopt};
    // Asks the other nodes, too, not to wait until it is due.
    if (parts_.options.fence > milliseconds(0))
      VALETKEY_CHECK(parts_.ledger.request_run(parts_.clock.now()));
  }
  if (!under_way_->since) {
    VALETKEY_CHECK(batches_.drain(under_way_->mark));
    VALETKEY_TRY(const bool written, all_written(sealed));
    if (!written) return false;
    under_way_->since = parts_.clock.now();
  }
  return parts_.clock.now() - *under_way_->since >= parts_.options.fence;
}

Result<bool> Settling::all_written(std::optional<Date> sealed) {
  VALETKEY_TRY(const bool reached, batches_.reached(under_way_->mark));
  if (!reached || !sealed) return reached;
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  VALETKEY_CHECK(parts_.ledger.seal_day(lease, *sealed));
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto batch, parts_.ledger.unfinished(partition));
    if (batch && batch->open_day <= *sealed) return false;
  }
  VALETKEY_TRY(const auto runs, parts_.ledger.runs());
  return std::ranges::none_of(runs, [&](const Run& run) { return run.open_day <= *sealed; });
}

}  // namespace valetkey::exporter
