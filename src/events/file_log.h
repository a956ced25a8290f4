// SPDX-License-Identifier: Apache-2.0
// The embedded event log: segment files in DIR/events/, each sealed under a data key of its own that the keyring's
// object key wraps. All partitions share the segments, so that one fdatasync serves whatever arrived during the one
// before it, and a segment goes when every partition has released it. Format: docs/formats.md, "Event log".
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/keyring.h"
#include "events/event_log.h"

namespace valetkey::events {

// Partition 0 holds what was written before there were several, and is not routed; new events go to the others, by
// account. A folder of this format always has so many.
inline constexpr unsigned kFilePartitions = 5;

struct FileLogOptions {
  std::filesystem::path folder;
  std::size_t segment_bytes = 64 << 20;
  std::size_t frame_bytes = 256 << 10;  // of records of a partition, sealed and read together
  std::uint64_t max_waiting_bytes = 8ull << 30;  // unreleased; beyond: `unavailable`
  std::size_t max_queued_bytes = 64 << 20;       // not yet written; beyond: `unavailable`
  std::chrono::microseconds longest_wait{0};     // for company before a commit
  // A partition's offsets start there at least: what the export ledger has consumed. Asked once the folder is locked:
  // until then another exporter may go on.
  std::function<Result<Offset>(unsigned partition)> first_offset = {};
};

// Cuts a torn tail, then appends to a segment of its own. The folder is locked while the log is
// open (`busy`).
Result<std::unique_ptr<EventLog>> open_file_log(FileLogOptions options, const KeySource& keys,
                                                const Clock& clock);

}  // namespace valetkey::events
