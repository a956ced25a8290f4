// SPDX-License-Identifier: Apache-2.0
#include "events/file_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "base/file.h"
#include "base/log.h"
#include "events/event.h"
#include "events/segment.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLongestRotation{30};
constexpr std::string_view kTooFarBehind = "the exporter is too far behind the events that wait";
constexpr std::chrono::milliseconds kTryAgain{500};  // after a failed commit, whether there is room

struct SegmentInfo {
  fs::path path;
  std::uint64_t bytes = 0;  // durable
  Offset end = 0;
};
using Segments = std::map<Offset, SegmentInfo>;  // by first offset

// Damaged bytes are kept for a person to look at; the name is their place, so twice is once.
Result<void> set_aside(const fs::path& segment, std::uint64_t position, std::string_view bytes) {
  const auto folder = segment.parent_path() / "bad";
  VALETKEY_CHECK(make_folders(folder));
  log::error(
      "events", "a damaged stretch of the event log was set aside",
      {{"segment", segment.filename().string()}, {"byte", position}, {"bytes", bytes.size()}});
  return replace_file(folder / fmt::format("{}-{}.bad", segment.stem().string(), position), bytes);
}

// What open() finds in the folder.
struct Found {
  Segments segments;
  std::uint64_t set_aside = 0;
  Offset end = 0;
};

class Scan {
 public:
  Scan(const fs::path& folder, const Keyring& keyring) : folder_(folder), keyring_(keyring) {}

  Result<Found> run() {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(folder_))
      if (entry.path().extension() == ".log") paths.push_back(entry.path());
    std::ranges::sort(paths);
    for (const auto& path : paths) VALETKEY_CHECK(segment(path, path == paths.back()));
    return std::move(found_);
  }

 private:
  Result<void> segment(const fs::path& path, bool last) {
    const auto bytes = fs::file_size(path);
    if (last && bytes < kSegmentHeaderBytes) return remove(path);
    auto reader = SegmentReader::open(path, keyring_);
    if (!reader && reader.error().code == ErrorCode::corrupt) return set_aside_whole(path);
    if (!reader) return std::unexpected(std::move(reader).error());
    SegmentInfo info{path, bytes, (*reader)->first()};
    VALETKEY_CHECK(frames(**reader, last, info));
    found_.end = std::max(found_.end, info.end);
    if (info.end == (*reader)->first()) return remove(path);
    found_.segments.emplace((*reader)->first(), std::move(info));
    return {};
  }

  Result<void> frames(const SegmentReader& reader, bool last, SegmentInfo& info) {
    for (std::uint64_t at = kSegmentHeaderBytes; at < info.bytes;) {
      if (const auto frame = reader.frame_at(at, info.bytes)) {
        info.end = frame->header.first + frame->header.count;
        at = frame->next();
        continue;
      }
      const auto next = reader.find_frame(at, info.bytes);
      VALETKEY_TRY(const auto bytes, reader.raw(at, next));
      if (next == info.bytes && last && is_torn(bytes)) return cut(info, at);
      VALETKEY_CHECK(set_aside(info.path, at, bytes));
      ++found_.set_aside;
      if (next == info.bytes && last) return cut(info, at);
      at = next;
    }
    return {};
  }

  // Whether a stretch at the end is what a crash leaves: a header or a frame that is cut short, or
  // space that was never written. Anything else was whole once, and is damaged.
  static bool is_torn(std::string_view tail) {
    return tail.size() < kFrameHeaderBytes ||
           decode_frame_header(tail.substr(0, kFrameHeaderBytes)) ||
           tail.find_first_not_of('\0') == std::string_view::npos;
  }
  // What a crash left half-written: nobody was told that it is kept.
  static Result<void> cut(SegmentInfo& info, std::uint64_t at) {
    log::warn("events", "a torn tail of the event log was cut",
              {{"segment", info.path.filename().string()}, {"bytes", info.bytes - at}});
    if (truncate(info.path.c_str(), static_cast<off_t>(at)) != 0)
      return fail_errno(info.path.string());
    info.bytes = at;
    return {};
  }
  static Result<void> remove(const fs::path& path) {
    if (unlink(path.c_str()) != 0) return fail_errno(path.string());
    return {};
  }
  Result<void> set_aside_whole(const fs::path& path) {
    VALETKEY_TRY(const auto bytes, read_file(path, 1ull << 32));
    VALETKEY_CHECK(set_aside(path, 0, bytes));
    ++found_.set_aside;
    return remove(path);
  }

  const fs::path& folder_;
  const Keyring& keyring_;
  Found found_;
};

struct Pending {
  std::string records;
  std::size_t count = 0;
  EventLog::Done done;
};

class FileLog final : public EventLog {
 public:
  FileLog(FileLogOptions options, const KeySource& keys, const Clock& clock, FileLock lock,
          Found found)
      : options_(std::move(options)),
        keys_(keys),
        clock_(clock),
        lock_(std::move(lock)),
        segments_(std::move(found.segments)),
        end_(found.end),
        set_aside_(found.set_aside) {
    for (const auto& [first, info] : segments_) bytes_ += info.bytes;
    writer_thread_ = std::thread([this] { run(); });
  }

  ~FileLog() override {
    {
      const std::lock_guard guard(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    writer_thread_.join();
  }

  void append(std::string records, std::size_t count, Done done) override {
    {
      const std::lock_guard guard(mutex_);
      const bool behind = bytes_ + queued_bytes_ > options_.max_waiting_bytes ||
                          queued_bytes_ + records.size() > options_.max_queued_bytes;
      if (!behind && !closing_) {
        queued_bytes_ += records.size();
        queue_.push_back({std::move(records), count, std::move(done)});
        if (queue_.size() == 1) wake_.notify_one();
        return;
      }
    }
    done(fail(ErrorCode::unavailable, std::string(kTooFarBehind)));
  }

  unsigned partitions() const override { return 1; }

  Result<LogBatch> read(unsigned, Offset from, std::size_t max_bytes) override {
    const std::lock_guard reading(read_mutex_);
    LogBatch batch{from, 0, {}};
    if (max_bytes > options_.frame_bytes) batch.records.reserve(expected_bytes(max_bytes));
    while (batch.records.size() < max_bytes) {
      VALETKEY_TRY(const auto place, find(batch.next()));
      if (!place) break;
      if (batch.count > 0 && place->first > batch.next()) break;
      VALETKEY_TRY(const bool more, read_segment(*place, max_bytes, batch));
      if (!more) break;
    }
    return batch;
  }

  Result<void> release(unsigned, Offset before) override {
    std::vector<fs::path> gone;
    {
      const std::lock_guard guard(mutex_);
      released_ = std::max(released_, std::min(before, end_));
      while (!segments_.empty() && segments_.begin()->second.end <= before &&
             segments_.begin()->first != writing_) {
        bytes_ -= segments_.begin()->second.bytes;
        gone.push_back(segments_.begin()->second.path);
        segments_.erase(segments_.begin());
      }
    }
    if (gone.empty()) return {};
    const std::lock_guard reading(read_mutex_);
    cursor_.reset();
    for (const auto& path : gone) VALETKEY_CHECK(remove_gently(path));
    return {};
  }

  Result<void> rotate(unsigned) override {
    std::unique_lock guard(mutex_);
    rotating_ = true;
    wake_.notify_all();
    if (rotated_.wait_for(guard, kLongestRotation, [&] { return !rotating_; })) return {};
    return fail(ErrorCode::unavailable,
                "the event log could not go on to its next segment in time");
  }

  LogStats stats(unsigned) const override {
    const std::lock_guard guard(mutex_);
    const Offset oldest = segments_.empty() ? end_ : segments_.begin()->first;
    auto problem = problem_;
    if (problem.empty() && bytes_ > options_.max_waiting_bytes) problem = kTooFarBehind;
    return {std::max(oldest, released_), end_, bytes_, set_aside_, std::move(problem)};
  }

 private:
  // Where reading goes on for an offset.
  struct Place {
    Offset first;
    fs::path path;
    std::uint64_t durable;
    Offset end;
    Offset wanted;
  };

  // What a read of so many bytes may bring: its last frame counts whole.
  std::size_t expected_bytes(std::size_t max_bytes) const {
    const std::lock_guard guard(mutex_);
    return std::min<std::uint64_t>(max_bytes, bytes_) + options_.frame_bytes;
  }

  // Nothing: `from` is the end.
  Result<std::optional<Place>> find(Offset from) {
    const std::lock_guard guard(mutex_);
    if (from >= end_ || segments_.empty()) return std::nullopt;
    auto it = segments_.upper_bound(from);
    if (it != segments_.begin() && from < std::prev(it)->second.end)
      --it;
    else if (from < released_)
      return fail(ErrorCode::not_found, fmt::format("event {} was released already", from));
    if (it == segments_.end()) return std::nullopt;
    return Place{it->first, it->second.path, it->second.bytes, it->second.end,
                 std::max(from, it->first)};
  }

  // Adds frames of one segment to `batch`. False: the batch ends here (a gap, or nothing more to
  // read).
  Result<bool> read_segment(const Place& place, std::size_t max_bytes, LogBatch& batch) {
    if (!cursor_ || cursor_->first != place.first || cursor_->next > place.wanted) {
      VALETKEY_TRY(auto reader, SegmentReader::open(place.path, *keys_.get()));
      cursor_ = Cursor{place.first, place.first, kSegmentHeaderBytes, std::move(reader)};
    }
    while (batch.records.size() < max_bytes) {
      auto frame = cursor_->reader->frame_at(cursor_->position, place.durable);
      if (!frame && frame.error().code == ErrorCode::not_found) return segment_ends(place, batch);
      if (!frame) {  // found and set aside when the log was opened
        cursor_->position = cursor_->reader->find_frame(cursor_->position, place.durable);
        continue;
      }
      if (batch.count > 0 && frame->header.first != batch.next()) return false;
      VALETKEY_CHECK(read_frame(*frame, batch));
    }
    return true;
  }

  // Whether reading goes on behind a segment. Its last events may be among the damaged ones.
  static bool segment_ends(const Place& place, LogBatch& batch) {
    if (batch.count == 0) batch.first = std::max(batch.first, place.end);
    return batch.next() >= place.end;
  }

  Result<void> read_frame(const SegmentReader::Frame& frame, LogBatch& batch) {
    const Offset frame_end = frame.header.first + frame.header.count;
    const auto leave = [&] {
      cursor_->position = frame.next();
      cursor_->next = frame_end;
    };
    if (frame_end <= batch.next()) {
      leave();
      return {};
    }
    auto records = cursor_->reader->records(frame);
    if (!records && records.error().code == ErrorCode::corrupt) {
      VALETKEY_TRY(const auto raw, cursor_->reader->raw(frame.position, frame.next()));
      // A reader that comes by twice has found one stretch, not two.
      if (damaged_.emplace(cursor_->first, frame.position).second) {
        VALETKEY_CHECK(
            set_aside(segment_path(options_.folder, cursor_->first), frame.position, raw));
        const std::lock_guard guard(mutex_);
        ++set_aside_;
      }
      leave();
      return {};
    }
    if (!records) return std::unexpected(std::move(records).error());
    const Offset skipped =
        batch.next() > frame.header.first ? batch.next() - frame.header.first : 0;
    if (batch.count == 0) batch.first = frame.header.first + skipped;
    if (skipped == 0) {
      batch.records.append(*records);
    } else {
      VALETKEY_TRY(const auto rest, cut_events(*records, skipped));
      batch.records.append(rest);
    }
    batch.count += frame.header.count - skipped;
    leave();
    return {};
  }

  // --- the writer's thread ---

  void run() {
    for (auto batch = take(); !batch.empty(); batch = take()) {
      auto result = commit(batch);
      note(result ? Result<void>() : std::unexpected(result.error()));
      Offset first = result ? *result : 0;
      for (auto& pending : batch) {
        if (result)
          pending.done(first);
        else
          pending.done(std::unexpected(result.error()));
        first += pending.count;
      }
    }
  }

  // What waits, as one commit; empty when the log closes.
  std::vector<Pending> take() {
    std::unique_lock guard(mutex_);
    const auto woken = [&] { return !queue_.empty() || closing_ || rotating_; };
    do {
      if (problem_.empty())
        wake_.wait(guard, woken);
      else if (!wake_.wait_for(guard, kTryAgain, woken))
        try_again(guard);
      if (std::exchange(rotating_, false)) end_segment();
    } while (queue_.empty() && !closing_);
    if (options_.longest_wait.count() > 0 && !closing_)
      wake_.wait_for(guard, options_.longest_wait, [&] { return closing_; });
    queued_bytes_ = 0;
    return std::exchange(queue_, {});
  }

  // With `mutex_` held. The next append begins a segment of its own.
  void end_segment() {
    segment_.reset();
    writing_.reset();
    rotated_.notify_all();
  }

  // Whoever asks stats() sends no events while there is a problem, so nobody else finds out that it
  // has gone.
  void try_again(std::unique_lock<std::mutex>& guard) {
    guard.unlock();
    auto tried = ensure_segment();
    if (tried) {
      const auto start = segment_->bytes();
      tried = segment_->try_room(options_.frame_bytes);
      if (!tried) abandon(start);
    }
    note(tried);
    guard.lock();
  }

  void note(const Result<void>& tried) {
    const std::lock_guard guard(mutex_);
    if (!tried && problem_.empty())
      log::error("events", "events cannot be stored and are refused until this works again",
                 {{"why", tried.error().detail}});
    if (tried && !problem_.empty()) log::info("events", "events are stored again");
    problem_ = tried ? "" : tried.error().detail;
  }

  // Makes all of `batch` durable, or none of it.
  Result<Offset> commit(const std::vector<Pending>& batch) {
    VALETKEY_CHECK(ensure_segment());
    const auto start = segment_->bytes();
    Offset next = end_;
    auto written = write_frames(batch, next);
    if (written) written = segment_->sync();
    if (!written) {
      abandon(start);
      return std::unexpected(std::move(written).error());
    }
    const std::lock_guard guard(mutex_);
    auto& info = segments_[*writing_];
    bytes_ += segment_->bytes() - info.bytes;
    info = {segment_->path(), segment_->bytes(), next};
    return std::exchange(end_, next);
  }

  Result<void> write_frames(const std::vector<Pending>& batch, Offset& next) {
    std::string frame;
    std::uint32_t count = 0;
    for (const auto& pending : batch) {
      frame += pending.records;
      count += static_cast<std::uint32_t>(pending.count);
      if (frame.size() < options_.frame_bytes && &pending != &batch.back()) continue;
      VALETKEY_CHECK(segment_->append(frame, next, count));
      next += std::exchange(count, 0);
      frame.clear();
    }
    return {};
  }

  Result<void> ensure_segment() {
    VALETKEY_CHECK(remove_rest());
    if (segment_ && segment_->bytes() < options_.segment_bytes) return {};
    segment_.reset();
    VALETKEY_TRY(segment_,
                 SegmentWriter::create(options_.folder, end_, *keys_.get(), clock_.now()));
    const std::lock_guard guard(mutex_);
    writing_ = end_;
    return {};
  }

  // After a failed commit: nothing of it stays, and what the file system may hold of it is cut off.
  void abandon(std::uint64_t start) {
    rest_ = Rest{segment_->path(), start};
    segment_.reset();
    if (const auto removed = remove_rest(); !removed)
      log::error("events", "what a failed commit wrote cannot be removed yet",
                 {{"why", removed.error().detail}});
    const std::lock_guard guard(mutex_);
    writing_.reset();
  }

  // Before anything else is written: its events were refused, and their offsets are given again.
  Result<void> remove_rest() {
    if (!rest_) return {};
    const auto& [path, bytes] = *rest_;
    const bool empty = bytes == kSegmentHeaderBytes;
    const int done =
        empty ? ::unlink(path.c_str()) : ::truncate(path.c_str(), static_cast<off_t>(bytes));
    if (done != 0 && errno != ENOENT) return fail_errno("cannot cut " + path.string());
    rest_.reset();
    return {};
  }

  const FileLogOptions options_;
  const KeySource& keys_;
  const Clock& clock_;
  const FileLock lock_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, rotated_;
  std::vector<Pending> queue_;
  std::size_t queued_bytes_ = 0;
  Segments segments_;
  Offset end_;
  Offset released_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t set_aside_;
  std::optional<Offset> writing_;  // the first offset of the segment being written
  bool closing_ = false;
  bool rotating_ = false;
  std::string problem_;  // of the last commit or try

  // The writer's thread only.
  struct Rest {  // of a failed commit: the file holds this many bytes that count
    fs::path path;
    std::uint64_t bytes;
  };
  std::unique_ptr<SegmentWriter> segment_;
  std::optional<Rest> rest_;

  struct Cursor {
    Offset first;  // of the segment
    Offset next;   // of the frame at `position`, at least
    std::uint64_t position;
    std::unique_ptr<SegmentReader> reader;
  };
  std::mutex read_mutex_;
  std::optional<Cursor> cursor_;
  std::set<std::pair<Offset, std::uint64_t>>
      damaged_;  // segment and place, set aside while reading

  std::thread writer_thread_;
};

}  // namespace

Result<std::unique_ptr<EventLog>> open_file_log(FileLogOptions options, const KeySource& keys,
                                                const Clock& clock) {
  VALETKEY_CHECK(make_folders(options.folder));
  VALETKEY_TRY(auto lock, FileLock::acquire(options.folder / "lock"));
  VALETKEY_TRY(auto found, Scan(options.folder, *keys.get()).run());
  if (options.first_offset) {
    VALETKEY_TRY(const auto first, options.first_offset());
    found.end = std::max(found.end, first);
  }
  return std::make_unique<FileLog>(std::move(options), keys, clock, std::move(lock),
                                   std::move(found));
}

}  // namespace valetkey::events
