// SPDX-License-Identifier: Apache-2.0
#include "exporter/log_cursor.h"

#include <utility>

#include "events/event.h"

namespace valetkey::exporter {

Result<void> LogCursor::stand_at(events::Offset from) {
  ahead_.reset();
  if (reader_ && at_ == from) return {};
  VALETKEY_TRY(reader_, log_.open(partition_, from));
  at_ = from;
  return {};
}

Result<events::LogPiece> LogCursor::read(events::Offset from, std::string& records,
                                         events::Offset until) {
  if (ahead_ && ahead_->from == from && ahead_->piece.next <= until) {
    const auto ahead = std::move(*std::exchange(ahead_, std::nullopt));
    records += ahead.records;
    return ahead.piece;
  }
  VALETKEY_CHECK(stand_at(from));
  auto piece = reader_->next(records, until);
  if (piece)
    at_ = piece->next;
  else
    reader_.reset();
  return piece;
}

Result<std::optional<Timestamp>> LogCursor::oldest(events::Offset from) {
  if (ahead_ && ahead_->from == from) return ahead_->oldest;
  Ahead ahead{.from = from, .piece = {}, .records = {}, .oldest = {}};
  VALETKEY_TRY(ahead.piece, read(from, ahead.records));
  if (ahead.piece.next == from) return std::nullopt;
  events::Event event;
  std::size_t at = 0;
  if (ahead.piece.count > 0 && events::decode_event(ahead.records, at, event))
    ahead.oldest = event.received;
  return ahead_.emplace(std::move(ahead)).oldest;
}

}  // namespace valetkey::exporter
