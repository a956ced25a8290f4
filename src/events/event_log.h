// SPDX-License-Identifier: Apache-2.0
// The seam between intake and export: a durable log of event records in partitions, each of them ordered. Thread-safe;
// a reader is for one thread. The embedded form is file_log; suite: testing/event_log_conformance.h.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "events/route.h"

namespace valetkey::events {

// A place in one partition. Places compare; what lies between two of them is the log's own business. 0 is the
// beginning.
using Offset = std::uint64_t;
inline constexpr Offset kLogEnd = std::numeric_limits<Offset>::max();

// What one step of a reader found.
struct LogPiece {
  Offset first = 0;         // beyond the place where the reader stood: what lay before is damaged
  Offset next = 0;          // where the reader stands now
  std::uint64_t count = 0;  // of events
};

// Reads one partition onwards. It must not outlive its log.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // Appends the next stored piece, as much as was written at once, and stops before `until`, a place that an earlier
  // piece ended at. Damaged stretches are passed over, kept aside and counted. A `count` of 0 with `next` where the
  // reader stood: nothing is there (yet). `not_found`: it was released meanwhile.
  virtual Result<LogPiece> next(std::string& records, Offset until = kLogEnd) = 0;
};

// Of one partition.
struct LogStats {
  Offset end = 0;                         // behind the newest durable record
  std::optional<std::uint64_t> events{};  // not yet released; nothing: the log cannot tell
  std::optional<std::uint64_t>
      bytes{};                  // that are kept until all of it is released, others' among them
  std::uint64_t set_aside = 0;  // damaged stretches of the log, found since it was opened
  std::string problem{};        // why events are refused; empty: they are taken
};

class EventLog {
 public:
  // Called once, from the log's own thread. Success: all of it is durable now. `full`, `unavailable` (too far behind,
  // or closing), `io`: it is not known to be kept; what was kept of it is dropped as a duplicate when it is sent again.
  using Done = std::function<void(Result<void>)>;

  virtual ~EventLog() = default;
  // Never blocks. `records` holds `count` events of one request, all of the route's account. Equal routes meet in one
  // partition, in the order in which they came.
  virtual void append(const Route& route, std::string records, std::size_t count, Done done) = 0;
  virtual unsigned partitions() const = 0;
  // False: records of any route may lie there, written before the log had routes.
  virtual bool routed(unsigned /*partition*/) const { return true; }
  // `from`: 0, or a place that a piece ended at. `not_found`: released already.
  virtual Result<std::unique_ptr<LogReader>> open(unsigned partition, Offset from) = 0;
  // Everything before `before` will not be read again, and may go. Idempotent.
  virtual Result<void> release(unsigned partition, Offset before) = 0;
  // Ends the pieces that are being written, so that releasing all there is by now removes all of it. A log that does
  // so by itself has nothing to do. `unavailable`: it could not in time.
  virtual Result<void> rotate() { return {}; }
  virtual Result<LogStats> stats(unsigned partition) const = 0;
};

}  // namespace valetkey::events
