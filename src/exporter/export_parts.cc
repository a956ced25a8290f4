// SPDX-License-Identifier: Apache-2.0
#include "exporter/export_parts.h"

namespace valetkey::exporter {

Result<ParquetWriter*> ExportParts::writer() {
  if (!writer_) {
    VALETKEY_TRY(writer_, ParquetWriter::open(options.duckdb));
  }
  return writer_.get();
}

Result<Lease> ExportParts::lease(Work work) {
  const auto held = leases_.find(work);
  if (held != leases_.end()) return held->second;
  VALETKEY_TRY(const auto lease, ledger.take_lease(work));
  return leases_[work] = lease;
}

}  // namespace valetkey::exporter
