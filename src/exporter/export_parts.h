// SPDX-License-Identifier: Apache-2.0
// What the parts of the exporter stand on and share: the seams, the options, the writer of Parquet and the leases.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "duckdb/database.h"
#include "events/event_log.h"
#include "exporter/ledger.h"
#include "exporter/owners.h"
#include "exporter/parquet_writer.h"
#include "exporter/write_budget.h"
#include "storage/object_store.h"

namespace valetkey::exporter {

// Of objects that hold the record of a row that could not be written.
inline constexpr std::string_view kSetAsidePrefix = "internal/bad/";

// Why events are dropped that would write too much for what was stored of them; see write_budget.h.
inline constexpr std::string_view kTooManyRows = "too_many_rows";

// What the exporter must know of an account.
struct ExportedAccount {
  AccountId id;
  std::optional<std::chrono::days> retention;  // none: kept for ever
};

// With which uuids a batch is compared, beside the newest, which are in memory. docs/decisions/0026.
enum class Dedup : std::uint8_t {
  window,  // all that are remembered: their files are read
  day,     // none; what a day has twice is left once before it is closed
};

// When events become parts: with their batch; or, from runs, at the turn of the hour or at the end of the day.
enum class CutAt : std::uint8_t { batch, hour, day };

struct ExporterOptions {
  duckdb::Options duckdb;
  // Stretches of a batch that are written at once, each on a thread by a DuckDB of its own, which has its part of the
  // memory limit. The parts are the same however many there are.
  std::size_t lanes = 1;
  milliseconds longest_wait{15 * 60'000};  // of an event before it is exported
  CutAt cut = CutAt::batch;
  std::size_t batch_bytes = 128 << 20;  // of event records: so many waiting start a batch, too
  // Of rows: so many end a batch, too, so that none lasts long; and so many are written at once.
  std::uint64_t batch_written_bytes = std::uint64_t{1} << 30;
  std::uint64_t stretch_bytes = std::uint64_t{64} << 20;
  std::uint64_t excess_an_hour = kExcessAnHour;  // see write_budget.h
  // Of files that one merge reads, and so of the plaintext that lies beside it; a part of more than
  // half as much stays as it is.
  std::uint64_t merged_bytes = std::uint64_t{128} << 20;
  milliseconds merging{30'000};  // of an account and day, so that none holds up the others
  std::size_t max_partitions_a_day = 10'000;  // of an account and type
  std::chrono::days window{7};                // in which uuids are remembered
  Dedup dedup = Dedup::window;
  std::uint64_t recent_uuid_bytes = std::uint64_t{256} << 20;  // of uuids in memory, 16 bytes each
  milliseconds grace{2 * 60'000};              // after midnight, before a day closes
  milliseconds readable_after{2 * 3'600'000};  // how long replaced parts can still be read by key
  // After which nothing arrives any more of a node that lost its work while it wrote: before that, nobody destroys what
  // such a node could write again. None where one node works alone.
  milliseconds fence{0};
  // What parts are written with; none: what the ledger says, and microseconds where there is no part yet.
  std::optional<layout::TimestampUnit> timestamps;
};

// What new parts are written with where the configuration leaves it open: decided once, by whether this is a new folder.
Result<layout::TimestampUnit> decide_timestamps(storage::ObjectStore& store, Ledger& ledger);

struct ExportParts {
  events::EventLog& log;
  storage::ObjectStore& store;
  Ledger& ledger;
  const Clock& clock;
  std::function<Result<std::vector<ExportedAccount>>()> accounts;
  ExporterOptions options;
  const Ownership& ownership = owns_all();

  // Opened when it is first needed: DuckDB is large. It is one of `lanes`, which share the memory; to ask for another
  // number of them closes those that are open.
  Result<ParquetWriter*> writer(std::size_t lane = 0, std::size_t lanes = 1);
  void drop_writer() { writers_.clear(); }
  Result<layout::TimestampUnit> timestamps();
  // Of one partition of the log, or of the days; taken when it is first needed. `busy` from the ledger means that
  // another exporter took over since: drop_leases(); the owner of the work takes them again.
  Result<Lease> lease(Work work);
  void drop_leases() { leases_.clear(); }
  // `busy` where another node owns the work by now: before each step that others would see.
  Result<void> check_owned(Work work) const;
  static const Ownership& owns_all();

  std::vector<std::unique_ptr<ParquetWriter>> writers_ = {};
  std::map<Work, Lease> leases_ = {};
};

}  // namespace valetkey::exporter
