// SPDX-License-Identifier: Apache-2.0
#include "exporter/export_parts.h"

#include <fmt/format.h>

#include <utility>

namespace valetkey::exporter {

Result<layout::TimestampUnit> decide_timestamps(storage::ObjectStore& store, Ledger& ledger) {
  VALETKEY_TRY(const auto decided, ledger.timestamps());
  if (decided) return *decided;
  VALETKEY_TRY(const auto page, store.list({"v1/", "", "", 1, 0}));
  const auto unit = page.entries.empty() ? layout::TimestampUnit::microseconds
                                         : layout::TimestampUnit::milliseconds;
  VALETKEY_CHECK(ledger.set_timestamps(unit));
  return unit;
}

Result<layout::TimestampUnit> ExportParts::timestamps() {
  if (options.timestamps) return *options.timestamps;
  return decide_timestamps(store, ledger);
}

Result<ParquetWriter*> ExportParts::writer(std::size_t lane, std::size_t lanes) {
  VALETKEY_TRY(const auto unit, timestamps());
  if (writers_.size() != lanes) {
    writers_.clear();
    writers_.resize(lanes);
  }
  auto& writer = writers_[lane];
  if (!writer) {
    auto duckdb = options.duckdb;
    duckdb.memory_limit_mib /= lanes;
    if (lane > 0) duckdb.folder += fmt::format("-{}", lane);
    VALETKEY_TRY(writer, ParquetWriter::open(std::move(duckdb)));
  }
  writer->set_timestamps(unit);
  return writer.get();
}

const Ownership& ExportParts::owns_all() {
  static const OwnsAll all;
  return all;
}

Result<void> ExportParts::check_owned(Work work) const {
  if (ownership.holds(work)) return {};
  return fail(ErrorCode::busy, "another node does this work of the export now");
}

Result<Lease> ExportParts::lease(Work work) {
  VALETKEY_CHECK(check_owned(work));
  const auto held = leases_.find(work);
  if (held != leases_.end()) return held->second;
  VALETKEY_TRY(const auto lease, ledger.take_lease(work));
  return leases_[work] = lease;
}

}  // namespace valetkey::exporter
