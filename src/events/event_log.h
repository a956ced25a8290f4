// SPDX-License-Identifier: Apache-2.0
// The seam between intake and export: a durable, ordered log of event records. Thread-safe.
// The implementation is file_log. A log may have several partitions; offsets count records from 0
// within one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace valetkey::events {

using Offset = std::uint64_t;

struct LogBatch {
  Offset first = 0;         // of the first record
  std::uint64_t count = 0;  // 0: nothing (yet) at the offset asked for
  std::string records;      // encoded events, one after the other
  Offset next() const { return first + count; }
};

struct LogStats {
  Offset begin = 0;  // of the oldest record kept
  Offset end = 0;    // behind the newest durable record
  std::uint64_t bytes = 0;
  std::uint64_t set_aside = 0;  // damaged stretches found since the log was opened
  std::string problem;          // why events are refused; empty: they are taken
};

class EventLog {
 public:
  // Called once, from the log's own thread: the offset of the first record, durable now; or `full`,
  // `unavailable` (too far behind, or closing) or `io`, and then nothing of the batch was kept.
  using Done = std::function<void(Result<Offset>)>;

  virtual ~EventLog() = default;
  // Never blocks. `records` holds `count` records for a partition that the log chooses.
  virtual void append(std::string records, std::size_t count, Done done) = 0;
  virtual unsigned partitions() const = 0;
  // Whole stored batches from `from` on (the first may begin before it: its records are cut), until
  // `max_bytes` are reached; at least one if there is one. Damaged stretches are skipped, kept
  // aside and counted: then `first` is beyond `from`. `not_found`: released already.
  virtual Result<LogBatch> read(unsigned partition, Offset from, std::size_t max_bytes) = 0;
  // Everything before `before` may go. Idempotent. What is stored in one piece goes as one.
  virtual Result<void> release(unsigned partition, Offset before) = 0;
  // Ends the piece that is being written, so that releasing all there is by now removes all of it.
  // A log without pieces has nothing to do. `unavailable`: the disk did not let it in time.
  virtual Result<void> rotate(unsigned /*partition*/) { return {}; }
  virtual LogStats stats(unsigned partition) const = 0;
};

}  // namespace valetkey::events
