// SPDX-License-Identifier: Apache-2.0
#include "admin/internal/backlog.h"

#include <fmt/format.h>

#include <algorithm>

#include "events/event.h"
#include "events/file_log.h"
#include "events/segment.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;
using events::Event;
using events::Offset;
using events::SegmentReader;

Result<std::vector<fs::path>> segments_in(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto entry = fs::directory_iterator(folder, error); !error && entry != fs::end(entry);
       entry.increment(error))
    if (entry->path().extension() == ".log") paths.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(ErrorCode::io,
                fmt::format("cannot look into {}: {}", folder.string(), error.message()));
  std::ranges::sort(paths);
  return paths;
}

// From `at` on, by account. False: a record is none.
bool count_events(std::string_view records, std::size_t at, Event& event, Backlog& into) {
  while (at < records.size()) {
    if (!events::decode_event(records, at, event)) return false;
    auto& account = into.accounts[std::string(event.account_id)];
    if (account.events++ == 0 || event.received < account.oldest) account.oldest = event.received;
    if (!into.oldest || event.received < *into.oldest) into.oldest = event.received;
  }
  return true;
}

class Look {
 public:
  Look(const Keyring& keyring, const std::vector<Offset>& consumed, bool everything)
      : keyring_(keyring), consumed_(consumed), everything_(everything) {
    found_.ends = consumed;
  }

  Backlog found() { return std::move(found_); }

  void segment(const fs::path& path, bool last) {
    std::error_code gone;
    const auto size = fs::file_size(path, gone);
    if (gone || (last && size < events::kSegmentHeaderBytes)) return;  // exported, or just made
    const auto reader = SegmentReader::open(path, keyring_);
    if (!reader && reader.error().code == ErrorCode::not_found) return;
    if (!reader) {
      found_.problems.push_back(reader.error().detail);
      return;
    }
    for (std::uint64_t at = events::kSegmentHeaderBytes; at < size;) {
      const auto frame = (*reader)->frame_at(at, size);
      if (frame) {
        look_at(**reader, *frame, path);
        at = frame->next();
        continue;
      }
      const auto next = (*reader)->find_frame(at, size);
      // What the server is writing at this moment looks like a torn tail.
      if (next < size || !last) damaged(path, at);
      at = next;
    }
  }

 private:
  void damaged(const fs::path& path, std::uint64_t at) {
    found_.problems.push_back(
        fmt::format("{} is damaged at byte {}; the server sets such a stretch aside when it starts",
                    path.filename().string(), at));
  }

  void look_at(SegmentReader& reader, const SegmentReader::Frame& frame, const fs::path& path) {
    const Offset end = frame.header.first + frame.header.count;
    const auto partition = frame.header.partition;
    if (partition >= found_.ends.size()) found_.ends.resize(partition + 1);
    found_.ends[partition] = std::max(found_.ends[partition], end);
    const Offset consumed = partition < consumed_.size() ? consumed_[partition] : 0;
    if (end <= consumed) return;
    const Offset from = std::max(frame.header.first, consumed);
    found_.events += end - from;
    found_.bytes += frame.next() - frame.position;
    if (found_.oldest && !everything_) return;
    const auto records = reader.records(frame);
    if (!records) return damaged(path, frame.position);
    if (!found_.oldest) found_.oldest = received(*records, from - frame.header.first);
    if (everything_ && !count(*records, from - frame.header.first)) damaged(path, frame.position);
  }

  bool count(std::string_view records, std::uint64_t skipped) {
    std::size_t at = 0;
    if (!events::skip_events(records, at, skipped)) return false;
    return count_events(records, at, event_, found_);
  }

  static std::optional<Timestamp> received(std::string_view records, std::uint64_t skipped) {
    Event event;
    std::size_t at = 0;
    if (!events::skip_events(records, at, skipped) || !events::decode_event(records, at, event))
      return std::nullopt;
    return event.received;
  }

  const Keyring& keyring_;
  const std::vector<Offset>& consumed_;
  bool everything_;
  Event event_;  // its memory serves each
  Backlog found_;
};

}  // namespace

milliseconds Backlog::lag(Timestamp now) const {
  return oldest ? std::max(now - *oldest, milliseconds(0)) : milliseconds(0);
}

Result<Backlog> read_backlog(const fs::path& folder, const Keyring& keyring,
                             const std::vector<Offset>& consumed, bool everything) {
  VALETKEY_TRY(const auto paths, segments_in(folder));
  Look look(keyring, consumed, everything);
  for (const auto& path : paths) look.segment(path, &path == &paths.back());
  return look.found();
}

Result<void> add_backlog(events::EventLog& topic, const std::vector<Offset>& consumed,
                         Backlog& backlog, bool everything) {
  Event event;
  backlog.ends.resize(consumed.size());
  for (unsigned partition = 0; partition < topic.partitions(); ++partition) {
    const auto place = events::kFilePartitions + partition;
    auto at = consumed[place];
    VALETKEY_TRY(const auto stats, topic.stats(partition));
    backlog.ends[place] = std::max(stats.end, at);
    if (!everything || stats.end <= at) continue;
    VALETKEY_TRY(const auto reader, topic.open(partition, at));
    while (at < stats.end) {
      std::string records;
      VALETKEY_TRY(const auto piece, reader->next(records, stats.end));
      if (piece.next == at) break;
      at = piece.next;
      backlog.events += piece.count;
      backlog.bytes += records.size();
      if (!count_events(records, 0, event, backlog))
        return fail(ErrorCode::corrupt, "the event log gave a record that is none");
    }
  }
  return {};
}

}  // namespace valetkey::admin
