// SPDX-License-Identifier: Apache-2.0
// From the event log to parts of the export, in batches that can be repeated at any point without harm: (1) a ledger row
// fixes the batch, (2) parts are published under names derived from it, (3) one ledger transaction marks it done and
// its uuids as seen, (4) the log may forget it. For one thread at a time. docs/architecture.md, "Export commit".
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "exporter/export_parts.h"
#include "exporter/log_cursor.h"
#include "exporter/part_publisher.h"
#include "exporter/rows.h"
#include "exporter/seen_files.h"

namespace valetkey::exporter {

class Batches {
 public:
  explicit Batches(ExportParts& parts) : parts_(parts), seen_files_(parts) {}

  // How far the log reached at some moment, by log partition. Work that must end although events keep coming is bounded
  // by one.
  using Mark = std::vector<events::Offset>;
  Result<Mark> arrived() const;  // by now
  Result<bool> reached(const Mark& mark);
  Result<bool> reached_here(const Mark& mark);  // in what this node owns
  // Exports one batch of what this node owns, if one is unfinished or due, or if events before `mark` wait. False:
  // nothing was to be done.
  Result<bool> run_batch(const Mark& mark = {});
  // Exports all that waits when it is called, or before `mark`, and that this node owns.
  Result<void> drain();
  Result<void> drain(const Mark& mark);
  // What other nodes have done meanwhile is looked up anew.
  void forget_partitions_known() { known_partitions_.clear(); }
  // Every day up to it is closed. At first the day before the oldest event that waits; nothing where the node that owns
  // the days has not looked yet.
  Result<std::optional<Date>> closed_through();

 private:
  using Counts = std::map<std::string, ExportCounts>;
  struct Batch {  // a batch in memory
    std::string records;
    std::vector<std::uint32_t> places;      // of each event
    Deduplicator uuids;                     // of all events
    std::uint64_t written = 0;              // by the rows that they become
    Timestamp earliest = Timestamp::max();  // when one was received
    // Looks at the records that were appended.
    Result<void> look(std::size_t from);
  };
  struct Stretch {  // of the rows of a batch
    std::size_t begin = 0, end = 0;
  };
  using Files = std::vector<ParquetFile>;

  LogCursor& cursor(unsigned partition);
  Result<bool> is_due(unsigned partition, events::Offset consumed, const Mark& mark);
  Result<ExportBatch> begin(unsigned partition, events::Offset consumed);
  Result<void> check_end(const ExportBatch& batch);
  Result<Batch> read_again(const ExportBatch& batch);
  Result<void> run(const ExportBatch& batch);
  Result<Batch> read(const ExportBatch& batch);
  Result<RowIndex> plan(const ExportBatch& batch, Batch& events, ExportResult& result);
  Result<void> write_parts(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                           Counts& counts);
  std::vector<Stretch> cut(const RowIndex& index) const;
  Result<std::vector<Result<Files>>> write_at_once(const Batch& events, const RowIndex& index,
                                                   std::span<const Stretch> stretches);
  Result<void> write_rows(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                          std::size_t begin, std::size_t end, PartPublisher& publisher,
                          Counts& counts);
  Result<std::optional<Files>> try_rows(const Batch& events, const RowIndex& index,
                                        std::size_t begin, std::size_t end);
  Result<void> take(const ExportBatch& batch, const RowIndex& index, const Files& files,
                    PartPublisher& publisher, Counts& counts);
  static std::string part_key(const ExportBatch& batch, const std::string& prefix,
                              std::size_t ordinal);
  Result<void> remove_leftovers(const ExportBatch& batch);
  Result<void> set_aside(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                         const RowRef& row, PartPublisher& publisher, Counts& counts);
  bool admit(const Partition& partition);
  void forget_partitions();

  ExportParts& parts_;
  SeenFiles seen_files_;
  std::map<unsigned, LogCursor> cursors_;  // by partition
  unsigned turn_ = 0;                      // the partition that is looked at first
  // Hashes of their prefixes, by day prefix: two of one hash are one too many let in.
  std::map<std::string, std::unordered_set<std::uint64_t>> known_partitions_;
  std::map<std::string, std::size_t> parts_of_batch_;  // written, by partition prefix
  std::optional<Error> admit_failure_;                 // of the look at known partitions
  struct {  // what begin() saw: run() need not read it again
    unsigned partition = 0;
    events::Offset first = 0, next = 0;
    Batch events{};
  } ahead_;
};

}  // namespace valetkey::exporter
