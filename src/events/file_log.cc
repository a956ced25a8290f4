// SPDX-License-Identifier: Apache-2.0
#include "events/file_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "events/internal/file_log_reader.h"
#include "events/internal/log_scan.h"
#include "events/internal/segment_table.h"
#include "events/segment.h"

namespace valetkey::events {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLongestRotation{30};
constexpr std::string_view kTooFarBehind = "the exporter is too far behind the events that wait";
constexpr std::chrono::milliseconds kTryAgain{500};  // after a failed commit, whether there is room

struct Pending {
  unsigned partition = 0;
  std::string records;
  std::size_t count = 0;
  EventLog::Done done;
};

class FileLog final : public EventLog {
 public:
  FileLog(FileLogOptions options, const KeySource& keys, const Clock& clock, FileLock lock,
          FoundSegments found)
      : options_(std::move(options)),
        keys_(keys),
        clock_(clock),
        lock_(std::move(lock)),
        table_(std::move(found)) {
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

  void append(const Route& route, std::string records, std::size_t count, Done done) override {
    const auto partition = 1 + partition_of(route, kFilePartitions - 1, 1);
    {
      const std::lock_guard guard(mutex_);
      const bool behind = table_.bytes() + queued_bytes_ > options_.max_waiting_bytes ||
                          queued_bytes_ + records.size() > options_.max_queued_bytes;
      if (!behind && !closing_) {
        queued_bytes_ += records.size();
        queue_.push_back({partition, std::move(records), count, std::move(done)});
        if (queue_.size() == 1) wake_.notify_one();
        return;
      }
    }
    done(fail(ErrorCode::unavailable, std::string(kTooFarBehind)));
  }

  unsigned partitions() const override { return kFilePartitions; }
  bool routed(unsigned partition) const override { return partition != 0; }

  Result<std::unique_ptr<LogReader>> open(unsigned partition, Offset from) override {
    VALETKEY_CHECK(table_.find(partition, from));
    return std::make_unique<FileLogReader>(table_, keys_, partition, from);
  }

  Result<void> release(unsigned partition, Offset before) override {
    for (const auto& path : table_.release(partition, before)) VALETKEY_CHECK(remove_gently(path));
    return {};
  }

  Result<void> rotate() override {
    std::unique_lock guard(mutex_);
    rotating_ = true;
    wake_.notify_all();
    if (rotated_.wait_for(guard, kLongestRotation, [&] { return !rotating_; })) return {};
    return fail(ErrorCode::unavailable,
                "the event log could not go on to its next segment in time");
  }

  Result<LogStats> stats(unsigned partition) const override {
    auto out = table_.stats(partition);
    const std::lock_guard guard(mutex_);
    out.problem = problem_;
    if (problem_.empty() && table_.bytes() > options_.max_waiting_bytes)
      out.problem = kTooFarBehind;
    return out;
  }

 private:
  // --- the writer's thread ---

  void run() {
    for (auto batch = take(); !batch.empty(); batch = take()) {
      const auto result = commit(batch);
      note(result);
      for (auto& pending : batch) pending.done(result);
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
    table_.set_writing(std::nullopt);
    rotated_.notify_all();
  }

  // While there is a problem callers of stats() send no events, so no append would find out that it
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
  Result<void> commit(const std::vector<Pending>& batch) {
    VALETKEY_CHECK(ensure_segment());
    const auto start = segment_->bytes();
    auto ends = table_.ends();
    auto written = write_frames(batch, ends);
    if (written) written = segment_->sync();
    if (!written) {
      abandon(start);
      return written;
    }
    table_.commit(segment_->path(), segment_->bytes(), ends);
    return {};
  }

  Result<void> write_frames(const std::vector<Pending>& batch, std::vector<Offset>& ends) {
    std::string records;
    FrameHeader frame;
    const auto flush = [&]() -> Result<void> {
      if (frame.count == 0) return {};
      frame.first = ends[frame.partition];
      VALETKEY_CHECK(segment_->append(records, frame));
      ends[frame.partition] += std::exchange(frame.count, 0);
      records.clear();
      return {};
    };
    for (; frame.partition < ends.size(); ++frame.partition) {
      for (const auto& pending : batch) {
        if (pending.partition != frame.partition) continue;
        records += pending.records;
        frame.count += static_cast<std::uint32_t>(pending.count);
        if (records.size() >= options_.frame_bytes) VALETKEY_CHECK(flush());
      }
      VALETKEY_CHECK(flush());
    }
    return {};
  }

  Result<void> ensure_segment() {
    VALETKEY_CHECK(remove_rest());
    if (segment_ && segment_->bytes() < options_.segment_bytes) return {};
    segment_.reset();
    const auto number = table_.next_number();
    VALETKEY_TRY(segment_,
                 SegmentWriter::create(options_.folder, number, *keys_.get(), clock_.now()));
    table_.set_writing(number);
    return {};
  }

  // After a failed commit: nothing of it stays, and what the file system may hold of it is cut off.
  void abandon(std::uint64_t start) {
    rest_ = Rest{segment_->path(), start};
    segment_.reset();
    if (const auto removed = remove_rest(); !removed)
      log::error("events", "what a failed commit wrote cannot be removed yet",
                 {{"why", removed.error().detail}});
    table_.set_writing(std::nullopt);
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
  SegmentTable table_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, rotated_;
  std::vector<Pending> queue_;
  std::size_t queued_bytes_ = 0;
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

  std::thread writer_thread_;
};

}  // namespace

Result<std::unique_ptr<EventLog>> open_file_log(FileLogOptions options, const KeySource& keys,
                                                const Clock& clock) {
  VALETKEY_CHECK(make_folders(options.folder));
  VALETKEY_TRY(auto lock, FileLock::acquire(options.folder / "lock"));
  VALETKEY_TRY(auto found, scan_segments(options.folder, *keys.get(), kFilePartitions));
  for (unsigned partition = 0; options.first_offset && partition < kFilePartitions; ++partition) {
    VALETKEY_TRY(const auto first, options.first_offset(partition));
    found.ends[partition] = std::max(found.ends[partition], first);
  }
  return std::make_unique<FileLog>(std::move(options), keys, clock, std::move(lock),
                                   std::move(found));
}

}  // namespace valetkey::events
