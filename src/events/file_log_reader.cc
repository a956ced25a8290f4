// SPDX-License-Identifier: Apache-2.0
#include "events/internal/file_log_reader.h"

#include <algorithm>

#include "events/event.h"
#include "events/internal/log_scan.h"

namespace valetkey::events {

Result<LogPiece> FileLogReader::next(std::string& records, Offset until) {
  while (at_ < until) {
    VALETKEY_TRY(const bool more, go_on());
    if (!more) break;
    const auto frame = segment_->frame_at(position_, place_.durable);
    if (!frame && frame.error().code == ErrorCode::not_found) {
      at_ = std::max(at_, std::min(place_.end, until));  // the last events are among the damaged
    } else if (!frame) {  // found and set aside when the log was opened
      position_ = segment_->find_frame(position_, place_.durable);
    } else if (frame->header.partition != partition_ ||
               frame->header.first + frame->header.count <= at_) {
      position_ = frame->next();
    } else {
      VALETKEY_TRY(const auto piece, read(*frame, records, until));
      if (piece) return *piece;
    }
  }
  return LogPiece{at_, at_, 0};
}

// False: there is nothing (yet) to read.
Result<bool> FileLogReader::go_on() {
  if (segment_ && at_ < place_.end) return true;
  VALETKEY_TRY(auto place, table_.find(partition_, at_));
  if (!place) return false;
  if (!segment_ || place->number != place_.number) {
    VALETKEY_TRY(segment_, SegmentReader::open(place->path, *keys_.get()));
    position_ = kSegmentHeaderBytes;
  }
  place_ = std::move(*place);
  return true;
}

// Nothing: the frame was damaged.
Result<std::optional<LogPiece>> FileLogReader::read(const SegmentReader::Frame& frame,
                                                    std::string& records, Offset until) {
  const Offset begin = frame.header.first, end = begin + frame.header.count;
  const Offset first = std::max(begin, at_), last = std::min(end, until);
  if (first >= last) return LogPiece{at_, at_, 0};
  const auto plain = segment_->records(frame);
  if (!plain && plain.error().code != ErrorCode::corrupt) return std::unexpected(plain.error());
  if (plain) {
    // A batch of an earlier release may begin and end within a frame.
    std::size_t cut = plain->size();
    if (last < end) {
      cut = 0;
      VALETKEY_CHECK(skip_events(*plain, cut, last - begin));
    }
    if (first == begin) {
      records.append(plain->substr(0, cut));
    } else {
      VALETKEY_TRY(const auto rest, cut_events(plain->substr(0, cut), first - begin));
      records.append(rest);
    }
  } else {
    VALETKEY_CHECK(set_frame_aside(frame));
  }
  at_ = last;
  if (last == end) position_ = frame.next();
  if (!plain) return std::nullopt;
  return LogPiece{first, last, last - first};
}

Result<void> FileLogReader::set_frame_aside(const SegmentReader::Frame& frame) {
  VALETKEY_TRY(const auto raw, segment_->raw(frame.position, frame.next()));
  // Readers that come by twice have found one stretch, not two.
  if (!table_.note_damage(place_.number, frame.position)) return {};
  return set_aside(place_.path, frame.position, raw);
}

}  // namespace valetkey::events
