// SPDX-License-Identifier: Apache-2.0
// The seam for what the exporter has done and is doing: batches, the files of uuids seen, closed days, totals,
// erasures. Every write of the exporter's work takes the lease of that work and fails with `busy` once another exporter
// has taken it. What anybody may note (losses of the intake, requests, why an attempt failed) takes none. Readers at
// any time. Thread-safe. The form in a database is sql_ledger, SQLite or PostgreSQL; suite: testing/ledger_conformance.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "layout/part_statistics.h"

namespace valetkey::exporter {

// What is owned by one exporter at a time: a partition of the event log, or the work on whole days.
using Work = std::int64_t;
inline constexpr Work kDays = -1;

// Its holder may write of that work. A later lease of the same work has a higher epoch, and every write of the former
// holder is refused from then on.
struct Lease {
  Work work = 0;
  std::uint64_t epoch = 0;
};

// A contiguous stretch of one partition of the event log, fixed before anything of it is written,
// so that a repetition writes the same parts under the same names.
struct ExportBatch {
  std::string id;  // a UUID
  unsigned log_partition = 0;
  std::uint64_t first = 0;
  std::uint64_t next = 0;  // behind the last event
  Date open_day;  // the first day that was neither sealed nor closed: no row goes to an earlier one
  bool into_run = false;  // its events become a run, and no parts yet
};

// The kept events of a batch that is done, as an object of their own, which waits to be cut into parts with others.
struct Run {
  std::string id;  // of the batch; run_key() names the object
  unsigned log_partition = 0;
  std::uint64_t first = 0, next = 0;  // of the batch
  Date open_day;                      // of the batch
  std::uint64_t events = 0, bytes = 0;
  Timestamp oldest,
      made;  // when the first of its events was received, and when it was put together
};

// All runs that wait.
struct RunTotals {
  std::uint64_t runs = 0, events = 0;
};

// The runs of a partition up to one that ends at `through`, on their way to parts: fixed before anything is written, as a
// batch is.
struct Cut {
  std::string id;  // a UUID
  unsigned log_partition = 0;
  std::uint64_t through = 0;
};

// Of an account, kept and not in parts yet.
struct WaitingInRuns {
  std::uint64_t events = 0;
  Timestamp oldest;  // no event of it is older
};

// An object that holds the digests of uuids exported on one day.
struct SeenFile {
  std::string key;
  Date day;
  std::uint64_t uuids = 0;
};

// A visitor to be erased, by the SHA-256 of the id as hex: the id itself is written nowhere.
struct AskedErasure {
  std::int64_t id = 0;
  std::string account;
  std::string visitor_sha256;  // empty: everything of the account
};

struct ErasureResult {
  std::uint64_t rows = 0;               // that are gone, over all attempts
  std::vector<std::string> unreadable;  // objects that may still hold the visitor
};

struct ExportCounts {
  std::uint64_t events = 0;  // kept
  std::uint64_t rows = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t set_aside = 0;
  std::uint64_t late = 0;  // of the kept: received on a day that was closed; moved to the next one
  std::uint64_t parts = 0;
  std::uint64_t bytes = 0;
  ExportCounts& operator+=(const ExportCounts& other);
};

// Why events are dropped that waited in a run which was given up.
inline constexpr std::string_view kInDamagedRun = "damaged_run";

// By account id, by reason.
using LossCounts = std::map<std::string, std::map<std::string, std::uint64_t>>;

// What was sent and not kept, or not as it was sent.
struct IntakeLosses {
  LossCounts dropped;                // events
  LossCounts altered;                // fields
  std::uint64_t unknown_events = 0;  // of accounts that do not exist
  std::string last_unknown;          // what the last of them named
  bool empty() const { return dropped.empty() && altered.empty() && unknown_events == 0; }
  IntakeLosses& operator+=(const IntakeLosses& later);
};

// What an account's events wrote beyond their own size, by account id and the hour (since 1970) in
// which they were received.
using ExportExcess = std::map<std::pair<std::string, std::int64_t>, std::uint64_t>;

// What a batch did, to be written down with its end.
struct ExportResult {
  std::vector<SeenFile> seen;
  std::optional<Run> run;
  std::map<std::string, std::uint64_t> in_run;  // its events, by account id
  std::map<std::string, ExportCounts> counts;   // by account id
  LossCounts dropped;
  ExportExcess excess;
};

// Parts of one partition that become one, in a store that cannot put it in their place at once. Written down before
// anything of it, so that an exporter that finds the output can see what it stands for.
struct PlannedMerge {
  std::string output;               // a key
  std::vector<std::string> inputs;  // keys, sorted
  friend bool operator==(const PlannedMerge&, const PlannedMerge&) = default;
};

// Rows of a part that go, since their events came again on that day.
struct RepeatedRows {
  std::string key;
  std::string account;
  std::uint64_t rows = 0;
  std::uint64_t events = 0;
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  // Of a work that nobody else does any more: its former holder is shut out.
  virtual Result<Lease> take_lease(Work work) = 0;
  virtual Result<std::vector<Lease>> leases() = 0;  // the newest of each work, by work

  // --- batches, by partition of the log ---
  virtual Result<std::uint64_t> consumed(unsigned partition) = 0;  // where the next batch starts
  // Where the log's offsets must go on at least: beyond all that was consumed or is being exported, even if the log
  // itself was lost.
  Result<std::uint64_t> floor(unsigned partition);
  virtual Result<std::optional<ExportBatch>> unfinished(unsigned partition) = 0;
  // `first` is where consumed() stands. `already_exists`: a batch of the partition is not finished.
  virtual Result<ExportBatch> begin(const Lease& lease, std::uint64_t first, std::uint64_t next,
                                    bool into_run = false) = 0;
  // At once: the batch is done, its uuids count as seen, its counts are added per account. `busy`: it is done already.
  virtual Result<void> finish(const Lease& lease, const ExportBatch& batch,
                              const ExportResult& result, Timestamp now) = 0;
  virtual Result<ExportExcess> excess() = 0;                           // of the last days
  virtual Result<std::vector<SeenFile>> seen(unsigned partition) = 0;  // by day and key
  virtual Result<std::vector<SeenFile>> all_seen() = 0;                // of every partition
  // Of a file that cannot be read: what it held may be exported again. Anybody may, so it takes no lease.
  virtual Result<void> forget_seen(const std::string& key) = 0;
  // Replaces files by others that hold the same uuids, or drops those that the window has passed.
  virtual Result<void> replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                                    const std::vector<SeenFile>& added) = 0;

  // --- runs, by partition of the log ---
  virtual Result<std::vector<Run>> runs() = 0;  // by partition, and as their batches followed
  virtual Result<RunTotals> run_totals() = 0;
  virtual Result<std::vector<Cut>> unfinished_cuts() = 0;  // by partition
  // `already_exists`: a cut of the partition is not finished.
  virtual Result<Cut> begin_cut(const Lease& lease, std::uint64_t through) = 0;
  // At once: its runs are gone, their events and parts are counted, by account id. `busy`: it is done already.
  virtual Result<void> finish_cut(const Lease& lease, const Cut& cut,
                                  const std::map<std::string, ExportCounts>& counts) = 0;
  virtual Result<std::map<std::string, WaitingInRuns>> waiting_in_runs() = 0;  // by account id
  // Of a run that is damaged: from now on it has the events and bytes of `left`, without any it is gone. They count as
  // dropped (kInDamagedRun): `lost`, by account id, where its head tells, and else what is left over when nothing waits
  // in the partition any more. False: the run was cut, or no longer has `events`, meanwhile. Anybody may, so it takes no
  // lease.
  virtual Result<bool> reduce_run(const Run& left, std::uint64_t events,
                                  const std::map<std::string, std::uint64_t>& lost) = 0;

  // --- days ---
  virtual Result<std::optional<Date>> closed_through() = 0;  // every day up to it is closed
  // Never goes back. What note_repeats() noted counts as duplicates from then on.
  virtual Result<void> close_day(const Lease& lease, Date day) = 0;
  // Before a part is rewritten without them; again is once.
  virtual Result<void> note_repeats(const Lease& lease, const RepeatedRows& repeated) = 0;
  // Batches that begin from now on write to no day up to it: what comes late counts to the next one. Waits for those that
  // begin meanwhile. Never goes back.
  virtual Result<void> seal_day(const Lease& lease, Date day) = 0;

  // Replaces a plan of the same output.
  virtual Result<void> plan_merge(const Lease& lease, const PlannedMerge& merge) = 0;
  virtual Result<std::vector<PlannedMerge>> planned_merges() = 0;  // by output
  virtual Result<void> finish_merge(const Lease& lease, const std::string& output) = 0;

  // --- erasures ---
  // `valetkeyd account erase-visitor` and `account delete --purge` ask the exporter.
  virtual Result<std::int64_t> request_erasure(const std::string& account,
                                               const std::string& visitor_sha256,
                                               Timestamp now) = 0;
  virtual Result<std::optional<AskedErasure>> next_erasure() = 0;  // the oldest that is not done
  // Before an object is rewritten without so many rows: an erasure that is interrupted and goes on finds nothing more
  // to count there.
  virtual Result<void> note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                                   std::uint64_t rows) = 0;
  virtual Result<void> finish_erasure(const Lease& lease, std::int64_t id,
                                      const std::vector<std::string>& unreadable) = 0;
  virtual Result<std::optional<ErasureResult>> erased(std::int64_t id) = 0;  // nothing: not done
  // That erasures which are done took, or that came again on a day, by account id: what its exported rows are fewer by.
  virtual Result<std::map<std::string, std::uint64_t>> erased_rows() = 0;
  // Its counts, losses and erasures but that one.
  virtual Result<void> forget_account(const Lease& lease, const std::string& account,
                                      std::int64_t but_erasure) = 0;

  // --- the format of parts ---
  // What new parts are written with where the configuration leaves it open: milliseconds (part format 1) or microseconds
  // (2). Nothing: that was not decided yet. Anybody may decide, so it takes no lease.
  virtual Result<std::optional<layout::TimestampUnit>> timestamps() = 0;
  virtual Result<void> set_timestamps(layout::TimestampUnit unit) = 0;
  // `valetkeyd export rewrite` asks the exporter to bring all parts into format 2.
  virtual Result<void> request_rewrite() = 0;
  virtual Result<bool> rewriting() = 0;  // asked for, and not done
  virtual Result<void> finish_rewrite(const Lease& lease) = 0;

  // --- what anybody notes and asks ---
  virtual Result<std::map<std::string, ExportCounts>> counts() = 0;  // by account id
  virtual Result<ExportCounts> total_counts() = 0;                   // their sum
  virtual Result<void> add_losses(const IntakeLosses& losses) = 0;
  virtual Result<IntakeLosses> losses() = 0;
  virtual Result<std::optional<Timestamp>> last_finished() = 0;
  // `valetkeyd export` asks the exporters of all running servers to work now.
  virtual Result<void> request_run(Timestamp now) = 0;
  virtual Result<std::optional<Timestamp>> requested() = 0;  // the last time
  // The last attempt to export that failed: when it began, and why.
  virtual Result<void> note_failure(Timestamp began, const std::string& why) = 0;
  // Why an attempt failed that began at `asked` or later; nothing: none has.
  virtual Result<std::optional<std::string>> failed_since(Timestamp asked) = 0;
};

}  // namespace valetkey::exporter
