// SPDX-License-Identifier: Apache-2.0
// One partition of the event log as an exporter reads it: keeps its place, since finding one is dear, and the piece
// that it looked at ahead. For one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/timestamp.h"
#include "events/event_log.h"

namespace valetkey::exporter {

class LogCursor {
 public:
  LogCursor(events::EventLog& log, unsigned partition) : log_(log), partition_(partition) {}
  // Appends the next piece from `from` on, before `until`; see LogReader.
  Result<events::LogPiece> read(events::Offset from, std::string& records,
                                events::Offset until = events::kLogEnd);
  // When the first event from `from` on was received; nothing: none is there, or it is damaged. Cheap when asked again.
  Result<std::optional<Timestamp>> oldest(events::Offset from);

 private:
  Result<void> stand_at(events::Offset from);
  events::EventLog& log_;
  const unsigned partition_;
  std::unique_ptr<events::LogReader> reader_;
  events::Offset at_ = 0;  // where it stands
  struct Ahead {
    events::Offset from = 0;
    events::LogPiece piece;
    std::string records;
    std::optional<Timestamp> oldest;
  };
  std::optional<Ahead> ahead_;  // behind which the reader stands
};

}  // namespace valetkey::exporter
