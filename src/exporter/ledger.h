// SPDX-License-Identifier: Apache-2.0
// What the exporter has done and is doing, in objects.db beside the index: batches, the files of
// uuids seen, closed days, totals. One exporter at a time; readers at any time. Thread-safe.
// Tables: docs/formats.md, "Export ledger".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "sqlite/database.h"

namespace valetkey::exporter {

// A contiguous stretch of one partition of the event log, fixed before anything of it is written,
// so that a repetition writes the same parts under the same names.
struct ExportBatch {
  std::string id;  // a UUID
  unsigned log_partition = 0;
  std::uint64_t first = 0;
  std::uint64_t next = 0;  // behind the last event
  Date open_day;           // the first day that was not closed: no row goes to an earlier one
};

// An object that holds the digests of uuids exported on one day.
struct SeenFile {
  std::string key;
  Date day;
  std::uint64_t uuids = 0;
};

// A visitor to be erased, by the SHA-256 of the id as hex: the id itself is written nowhere.
struct Erasure {
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
  std::map<std::string, ExportCounts> counts;  // by account id
  LossCounts dropped;
  ExportExcess excess;
};

class ExportLedger {
 public:
  // `file` is objects.db of an open store.
  static Result<std::unique_ptr<ExportLedger>> open(const std::filesystem::path& file);

  Result<std::uint64_t> consumed(
      unsigned log_partition);  // the offset that the next batch starts at
  // Where the log's offsets must go on at least: beyond all that was consumed or is being exported,
  // even if the log itself was lost.
  Result<std::uint64_t> floor(unsigned log_partition);
  Result<std::optional<ExportBatch>> unfinished(unsigned log_partition);
  Result<ExportBatch> begin(unsigned log_partition, std::uint64_t first, std::uint64_t next);
  // One transaction: the batch is done, its uuids count as seen, its counts are added per account.
  Result<void> finish(const ExportBatch& batch, const ExportResult& result, Timestamp now);
  Result<ExportExcess> excess();  // of the last days

  Result<std::vector<SeenFile>> seen();
  // Replaces files by others that hold the same uuids, or drops those that the window has passed.
  Result<void> replace_seen(const std::vector<std::string>& gone,
                            const std::vector<SeenFile>& added);

  Result<std::optional<Date>> closed_through();  // every day up to it is closed
  Result<void> close_day(Date day);

  Result<std::map<std::string, ExportCounts>> counts();  // by account id
  Result<void> add_losses(const IntakeLosses& losses);
  Result<IntakeLosses> losses();
  Result<std::optional<Timestamp>> last_finished();
  // `valetkeyd export` asks the exporter of a running server to work now.
  Result<void> request_run(Timestamp now);
  Result<bool> take_request();
  // The last attempt to export that failed: when it began, and why.
  Result<void> note_failure(Timestamp began, const std::string& why);
  // Why an attempt failed that began at `asked` or later; none: none has.
  Result<std::optional<std::string>> failed_since(Timestamp asked);
  // `valetkeyd account erase-visitor` and `account delete --purge` ask whoever exports.
  Result<std::int64_t> request_erasure(const std::string& account,
                                       const std::string& visitor_sha256, Timestamp now);
  Result<std::optional<Erasure>> next_erasure();  // the oldest that is not done
  // Before an object is rewritten without so many rows: an erasure that is interrupted and goes on
  // finds nothing more to count there.
  Result<void> note_erased(std::int64_t id, const std::string& key, std::uint64_t rows);
  Result<void> finish_erasure(std::int64_t id, const std::vector<std::string>& unreadable);
  Result<std::optional<ErasureResult>> erased(std::int64_t id);  // none: not done
  // Its counts, drops and erasures but that one.
  Result<void> forget_account(const std::string& account, std::int64_t but_erasure);

 private:
  explicit ExportLedger(std::unique_ptr<sqlite::Database> database)
      : database_(std::move(database)) {}
  Result<void> add_losses(const char* insert, const LossCounts& counts);
  Result<LossCounts> read_losses(const char* select);
  Result<void> add_counts(const std::string& account, const ExportCounts& counts);
  Result<void> add_seen(const std::vector<SeenFile>& seen);
  Result<void> add_excess(const ExportExcess& excess, Timestamp now);
  std::mutex mutex_;
  std::unique_ptr<sqlite::Database> database_;
};

}  // namespace valetkey::exporter
