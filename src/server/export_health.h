// SPDX-License-Identifier: Apache-2.0
// How the export is, for /readyz and /metrics.
#pragma once

#include <cstdint>
#include <string>

#include "base/timestamp.h"
#include "exporter/ledger.h"

namespace valetkey::server {

struct ExportHealth {
  exporter::ExportCounts totals;  // of all accounts, since the data folder was made
  std::uint64_t waiting_events = 0;
  std::uint64_t waiting_bytes = 0;         // of the segments that hold them
  milliseconds lag{0};                     // how long the oldest of them has waited
  std::uint64_t parts_a_day = 0;           // as Config::Export says
  std::uint64_t runs = 0, run_events = 0;  // of all partitions: exported but for the cut into parts
  std::uint64_t set_aside = 0;             // damaged stretches of the log, since the start
  std::uint64_t failures = 0;              // since the start
  std::string problem;                     // of the last attempt; empty: it went well
  std::string intake_problem;              // why events are refused; empty: they are taken
};

}  // namespace valetkey::server
