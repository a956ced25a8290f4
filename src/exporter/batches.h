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
#include "exporter/runs.h"
#include "exporter/seen_files.h"

namespace valetkey::exporter {

class Batches {
 public:
  explicit Batches(ExportParts& parts) : parts_(parts), seen_files_(parts) {}

  // How far the log reached at some moment, by log partition. Work that must end although events keep coming is bounded
  // by one.
  using Mark = std::vector<events::Offset>;
  Result<Mark> arrived() const;                  // by now
  Result<bool> reached(const Mark& mark);        // what lay before it is in parts
  Result<bool> reached_here(const Mark& mark);   // in what this node owns
  Result<bool> consumed_here(const Mark& mark);  // there, or in runs
  // Exports one batch of what this node owns, if one is unfinished or due, or if events before `mark` wait. False:
  // nothing was to be done.
  Result<bool> run_batch(const Mark& mark = {});
  // Exports all that waits when it is called, or before `mark`, and that this node owns.
  Result<void> drain();
  Result<void> drain(const Mark& mark);
  // Removes the objects of runs that were cut, which a death may have left.
  Result<void> remove_stray_runs();
  // What other nodes have done meanwhile is looked up anew.
  void forget_partitions_known() {
    known_partitions_.clear();
    stray_runs_gone_ = false;
  }
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
    bool again = false;                     // it was begun before
    // What `uuids` held before any was dropped, where that is to be kept, too.
    std::optional<Deduplicator> all;
    // Looks at the records that were appended.
    Result<void> look(std::size_t from);
  };
  struct Stretch {  // of the rows of a batch
    std::size_t begin = 0, end = 0;
  };
  using Files = std::vector<ParquetFile>;

  LogCursor& cursor(unsigned partition);
  Result<bool> cut_some(const Mark& mark);
  Result<bool> consumed_where(const Mark& mark, const std::function<bool(unsigned)>& here);
  Result<bool> reached_where(const Mark& mark, const std::function<bool(unsigned)>& here);
  Result<bool> is_due(unsigned partition, events::Offset consumed, const Mark& mark);
  Result<ExportBatch> begin(unsigned partition, events::Offset consumed);
  Result<void> check_end(const ExportBatch& batch);
  Result<Batch> read_again(const ExportBatch& batch);
  Result<void> run(const ExportBatch& batch, bool again);
  Result<Batch> read(const ExportBatch& batch);
  // Gives `each` every event that stays, and tells which those are.
  using EachEvent = std::function<Result<void>(const events::Event&, std::uint32_t place)>;
  Result<std::vector<bool>> choose(const ExportBatch& batch, Batch& events, ExportResult& result,
                                   const EachEvent& each);
  Result<RowIndex> plan(const ExportBatch& batch, Batch& events, ExportResult& result);
  Result<void> add_row(RowIndexer& indexer, const events::Event& event, std::uint32_t place);
  Result<void> write_parts(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                           Counts& counts);
  std::vector<Stretch> cut(const RowIndex& index) const;
  Result<std::vector<Result<Files>>> write_at_once(const Batch& events, const RowIndex& index,
                                                   std::span<const Stretch> stretches);
  // Of write_parts(), without what begins and ends it.
  Result<void> write_stretches(const ExportBatch& batch, const Batch& events, const RowIndex& index,
                               Counts& counts);
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

  // batch_runs.cc
  Result<void> write_run(const ExportBatch& batch, Batch& events, ExportResult& result);
  static Result<Timestamp> add_stretches(const Batch& events, const std::vector<bool>& kept,
                                         RunBuilder& builder);
  // Which of a partition's runs are to be cut now.
  std::optional<std::vector<Run>> due_cut(const std::vector<Run>& runs, std::uint64_t consumed,
                                          const Mark& mark) const;
  Result<bool> try_cut(unsigned partition, const std::function<Result<bool>()>& cut);
  Result<bool> cut_if_due(unsigned partition, const std::vector<Run>& runs, const Mark& mark);
  Result<void> cut_runs(const Cut& cut);
  static Result<void> add_piece(storage::ObjectReader& reader, const RunOfAccount& of,
                                Batch& events);
  Result<void> write_slice(const ExportBatch& batch, const Batch& events, Counts& counts);
  void forget_partitions();

  ExportParts& parts_;
  SeenFiles seen_files_;
  std::map<unsigned, LogCursor> cursors_;  // by partition
  unsigned turn_ = 0;                      // the partition that is looked at first
  // Hashes of their prefixes, by day prefix: two of one hash are one too many let in.
  std::map<std::string, std::unordered_set<std::uint64_t>> known_partitions_;
  std::map<std::string, std::size_t> parts_of_batch_;  // written, by partition prefix
  std::string slice_;             // of a cut, in the names of what is set aside
  bool stray_runs_gone_ = false;  // what a former process left
  struct FailedCut {
    Timestamp again;
    Error why;
  };
  std::map<unsigned, FailedCut> failed_cuts_;  // by partition of the log
  std::optional<Error> admit_failure_;         // of the look at known partitions
  struct {                                     // what begin() saw: run() need not read it again
    unsigned partition = 0;
    events::Offset first = 0, next = 0;
    Batch events{};
  } ahead_;
};

}  // namespace valetkey::exporter
