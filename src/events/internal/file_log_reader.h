// SPDX-License-Identifier: Apache-2.0
// Reads one partition of the file log, frame by frame, past those of the others. For one thread.
#pragma once

#include <memory>
#include <optional>

#include "base/keyring.h"
#include "events/event_log.h"
#include "events/internal/segment_table.h"
#include "events/segment.h"

namespace valetkey::events {

class FileLogReader final : public LogReader {
 public:
  // All of it outlives the reader.
  FileLogReader(SegmentTable& table, const KeySource& keys, unsigned partition, Offset from)
      : table_(table), keys_(keys), partition_(partition), at_(from) {}
  Result<LogPiece> next(std::string& records, Offset until) override;

 private:
  Result<bool> go_on();
  Result<std::optional<LogPiece>> read(const SegmentReader::Frame& frame, std::string& records,
                                       Offset until);
  Result<void> set_frame_aside(const SegmentReader::Frame& frame);

  SegmentTable& table_;
  const KeySource& keys_;
  const unsigned partition_;
  Offset at_;
  SegmentTable::Place place_;  // as it was when it was last looked up
  std::unique_ptr<SegmentReader> segment_;
  std::uint64_t position_ = 0;  // in the segment
};

}  // namespace valetkey::events
