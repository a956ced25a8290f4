// SPDX-License-Identifier: Apache-2.0
// From the event log to parts of the export, in batches that can be repeated at any point without
// harm: (1) a ledger row fixes the batch, (2) parts are published under names derived from it, (3)
// one ledger transaction marks it done and its uuids as seen, (4) the log may forget it. One
// exporter at a time; a call runs on its caller's thread. docs/architecture.md, "Export commit".
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "duckdb/database.h"
#include "events/event_log.h"
#include "exporter/ledger.h"
#include "exporter/parquet_writer.h"
#include "exporter/part_publisher.h"
#include "exporter/rows.h"
#include "exporter/seen_uuids.h"
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

struct ExporterOptions {
  duckdb::Options duckdb;
  milliseconds longest_wait{15 * 60'000};  // of an event before it is exported
  std::size_t batch_bytes = 128 << 20;     // of event records: so many waiting start a batch, too
  // Of rows: so many end a batch, too, so that none lasts long; and so many are written at once.
  std::uint64_t batch_written_bytes = std::uint64_t{1} << 30;
  std::uint64_t stretch_bytes = std::uint64_t{64} << 20;
  std::uint64_t excess_an_hour = kExcessAnHour;  // see write_budget.h
  std::size_t max_partitions_a_day = 10'000;     // of an account and type
  std::chrono::days window{7};                   // in which a repeated uuid is recognised
  milliseconds grace{2 * 60'000};                // after midnight, before a day closes
  milliseconds readable_after{2 * 3'600'000};    // how long replaced parts can still be read by key
};

class Exporter {
 public:
  using Accounts = std::function<Result<std::vector<ExportedAccount>>()>;

  Exporter(events::EventLog& log, storage::ObjectStore& store, ExportLedger& ledger,
           const Clock& clock, Accounts accounts, ExporterOptions options);

  // How far the log reached at some moment, by log partition. Work that must end although events
  // keep coming is bounded by one.
  using Mark = std::vector<events::Offset>;
  Mark arrived() const;  // by now
  Result<bool> reached(const Mark& mark);

  // Exports one batch, if one is unfinished or due, or if events before `mark` wait. False: nothing
  // was to be done.
  Result<bool> run_batch(const Mark& mark = {});
  // Exports all that waits when it is called.
  Result<void> drain();
  // Closes the days that are over: compacts them and says with _SUCCESS that they are complete.
  // Needs all waiting events of those days exported, so it exports everything first. Returns how
  // many days.
  Result<std::size_t> close_days();
  // Removes the days that each account's retention has passed; returns how many objects.
  Result<std::size_t> apply_retention();
  // Told of each part before it is rewritten, and how many rows it loses.
  using NoteErased = std::function<Result<void>(const std::string& key, std::uint64_t rows)>;
  // Rewrites the parts that hold rows of the visitor whose id has this SHA-256 (hex), under the
  // same keys. Exports what waits first and frees the log of it; removes what was set aside of the
  // visitor. Goes on behind what is damaged, and returns its keys.
  Result<std::vector<std::string>> erase_visitor(const AccountId& account,
                                                 std::string_view visitor_sha256,
                                                 const NoteErased& note);
  // Removes everything of the account: what waits (it is exported first, and the log freed of it),
  // its parts and what was set aside. Returns the keys of what was set aside and cannot be read, so
  // that nobody knows whose it is.
  Result<std::vector<std::string>> erase_account(const AccountId& account);

 private:
  using Counts = std::map<std::string, ExportCounts>;
  struct Batch {  // a batch in memory
    std::string records;
    std::vector<std::uint32_t> places;  // of each event
  };

  Result<bool> is_due(unsigned partition, events::Offset consumed, const Mark& mark);
  Result<std::optional<Timestamp>> oldest_waiting(unsigned partition, events::Offset consumed);
  Result<Date> closed_through();
  Result<ExportBatch> begin(unsigned partition, events::Offset consumed);
  Result<void> cut_by_rows(events::LogBatch& piece, std::uint64_t& written);
  Result<void> read_again(const ExportBatch& batch, std::string& records);
  Result<void> run(const ExportBatch& batch);
  Result<Batch> read(const ExportBatch& batch);
  Result<RowIndex> plan(const ExportBatch& batch, const Batch& events, Deduplicator& unseen,
                        ExportResult& result);
  Result<void> write_parts(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                           Counts& counts);
  Result<void> write_rows(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                          std::size_t begin, std::size_t end, PartPublisher& publisher,
                          Counts& counts);
  Result<std::optional<std::vector<ParquetFile>>> try_rows(const Batch& events,
                                                           const RowIndex& index, std::size_t begin,
                                                           std::size_t end);
  static std::string part_key(const ExportBatch& batch, const std::string& prefix,
                              std::size_t ordinal);
  Result<void> remove_leftovers(const ExportBatch& batch);
  Result<void> set_aside(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                         const RowRef& row, PartPublisher& publisher, Counts& counts);
  Result<void> tidy_seen(Timestamp now);
  Result<void> remove_stray_seen(const std::vector<SeenFile>& files);
  Result<void> close_day(Date day);
  Result<void> compact(const AccountId& account, layout::RowType type, Date day);
  Result<void> free_log();
  // One erasure under way.
  struct Erasing {
    const AccountId& account;
    std::string_view visitor_sha256;
    const NoteErased& note;
    std::vector<std::string> unreadable;
  };
  Result<void> erase_from_parts(layout::RowType type, Erasing& erasing);
  Result<void> erase_from_part(layout::RowType type, const storage::ObjectInfo& part,
                               Erasing& erasing);
  Result<std::optional<ParquetFile>> without_visitor(layout::RowType type,
                                                     const std::filesystem::path& file,
                                                     std::string_view visitor_sha256);
  // Of the events that `wanted` takes.
  Result<void> erase_set_aside(const std::function<bool(const events::Event&)>& wanted,
                               std::vector<std::string>& unreadable);
  Result<void> compact_partition(layout::RowType type,
                                 const std::vector<storage::ObjectInfo>& parts);
  bool admit(const Partition& partition);
  void forget_partitions();
  Result<ParquetWriter*> writer();

  events::EventLog& log_;
  storage::ObjectStore& store_;
  ExportLedger& ledger_;
  const Clock& clock_;
  Accounts accounts_;
  ExporterOptions options_;
  std::unique_ptr<ParquetWriter> writer_;  // opened at the first batch: DuckDB is large
  // Hashes of their prefixes, by day prefix: two of one hash are one too many let in.
  std::map<std::string, std::unordered_set<std::uint64_t>> known_partitions_;
  std::map<std::string, std::size_t> parts_of_batch_;  // written, by partition prefix
  bool seen_is_tidy_ = false;
  std::optional<Error> admit_failure_;  // of the look at known partitions
  struct {                              // what begin() saw: run() need not read it again
    unsigned partition = 0;
    events::Offset first = 0, next = 0;
    std::string records;
  } ahead_;
};

}  // namespace valetkey::exporter
