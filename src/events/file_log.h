// SPDX-License-Identifier: Apache-2.0
// The embedded event log: segment files in DIR/events/, each sealed under a data key of its own
// that the keyring's object key wraps. Group commit: what arrives during one fdatasync shares the
// next. Format: docs/formats.md, "Event log".
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/keyring.h"
#include "events/event_log.h"

namespace valetkey::events {

struct FileLogOptions {
  std::filesystem::path folder;
  std::size_t segment_bytes = 64 << 20;
  std::size_t frame_bytes = 1 << 20;             // of records sealed together
  std::uint64_t max_waiting_bytes = 8ull << 30;  // unreleased; beyond: `unavailable`
  std::size_t max_queued_bytes = 64 << 20;       // not yet written; beyond: `unavailable`
  std::chrono::microseconds longest_wait{0};     // for company before a commit
  // Offsets start here at least: what the export ledger has consumed. Asked once the folder is
  // locked: until then another exporter may go on.
  std::function<Result<Offset>()> first_offset = {};
};

// Cuts a torn tail, then appends to a segment of its own. The folder is locked while the log is
// open (`busy`).
Result<std::unique_ptr<EventLog>> open_file_log(FileLogOptions options, const KeySource& keys,
                                                const Clock& clock);

}  // namespace valetkey::events
