// SPDX-License-Identifier: Apache-2.0
#include "control/audit.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/log.h"
#include "control/internal/audit_record.h"
#include "control/internal/audit_refusals.h"
#include "control/internal/audit_segments.h"

namespace valetkey::control {
namespace {

constexpr milliseconds kFlushAfter{200};
constexpr std::size_t kFlushBytes = std::size_t{1} << 20;
// What may wait while the disk fails; beyond it events are dropped, counted, and the count is
// written.
constexpr std::size_t kMaxWaitingBytes = std::size_t{16} << 20;
constexpr milliseconds kDurableTimeout = std::chrono::seconds(10);
constexpr milliseconds kRefusalPeriod = std::chrono::minutes(1);

class FileAuditLog final : public AuditLog {
 public:
  FileAuditLog(std::unique_ptr<AuditSegments> segments, const Clock& clock,
               const SteadyClock& steady)
      : clock_(clock),
        steady_(steady),
        segments_(std::move(segments)),
        thread_([this] { run(); }) {}

  ~FileAuditLog() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

  void append(const AuditEntry& entry) override {
    const std::lock_guard lock(mutex_);
    add(entry);
  }

  Result<void> append_durably(const AuditEntry& entry) override {
    std::unique_lock lock(mutex_);
    const std::uint64_t dropped_before = dropped_;
    add(entry);
    if (dropped_ != dropped_before)
      return fail(ErrorCode::full, "the audit log cannot be written; see the server's log");
    const std::uint64_t ticket = added_;
    urgent_ = true;
    wake_.notify_all();
    const auto settled = [&] { return written_ >= ticket || failed_ >= ticket; };
    if (!done_.wait_for(lock, kDurableTimeout, settled))
      return fail(ErrorCode::unavailable, "the audit log was not written within 10 s");
    if (written_ >= ticket) return {};
    return std::unexpected(failure_);
  }

  void refused(std::string_view reason, std::string_view address_block, Timestamp now) override {
    const std::lock_guard lock(mutex_);
    const bool first = refusals_.empty();
    for (const AuditEvent& event : refusals_.count(reason, address_block, now)) add(event.entry());
    if (!first) return;
    refusals_due_ = steady_.now() + kRefusalPeriod;
    wake_.notify_all();
  }

 private:
  // With the lock held, as all below.
  void add(const AuditEntry& entry) {
    const std::size_t before = waiting_.size();
    append_record_body(waiting_, entry);
    if (waiting_.size() >= kMaxWaitingBytes) {
      waiting_.resize(before);
      ++dropped_;
      return;
    }
    waiting_ += '\n';
    if (before == 0) {
      flush_due_ = steady_.now() + kFlushAfter;
      wake_.notify_all();
    }
    ++added_;
    if (before < kFlushBytes && waiting_.size() >= kFlushBytes) wake_.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      wait_for_work(lock);
      if (!refusals_.empty() && steady_.now() >= refusals_due_) take_refusals();
      if (!waiting_.empty()) flush(lock);
    }
    // What came while the last batch was written.
    take_refusals();
    if (!waiting_.empty()) flush(lock);
  }

  void take_refusals() {
    for (const AuditEvent& event : refusals_.take()) add(event.entry());
  }

  void wait_for_work(std::unique_lock<std::mutex>& lock) {
    const auto ready = [&] {
      if (stopping_ || (urgent_ && !waiting_.empty())) return true;
      if (waiting_.size() >= kFlushBytes && !failing_) return true;
      const auto now = steady_.now();
      return (!waiting_.empty() && now >= flush_due_) ||
             (!refusals_.empty() && now >= refusals_due_);
    };
    while (!ready()) {
      constexpr auto kNever = SteadyClock::Instant::max();
      auto due = kNever;
      if (!waiting_.empty()) due = flush_due_;
      if (!refusals_.empty()) due = std::min(due, refusals_due_);
      if (due == kNever) {
        wake_.wait(lock);
      } else {
        wake_.wait_for(lock, due - steady_.now());
      }
    }
    urgent_ = false;
  }

  void flush(std::unique_lock<std::mutex>& lock) {
    writing_.clear();
    if (writing_.capacity() > 4 * kFlushBytes) std::string().swap(writing_);  // after an outage
    writing_.swap(waiting_);
    const std::uint64_t ticket = added_;
    const std::uint64_t dropped = dropped_ - reported_;
    lock.unlock();
    const std::size_t whole = writing_.size();
    if (dropped > 0) {
      append_record_body(writing_, lost(dropped));
      writing_ += '\n';
    }
    auto written = segments_->append(writing_, date_of(clock_.now()));
    writing_.resize(whole);
    lock.lock();
    if (written) {
      written_ = ticket;
      reported_ += dropped;
    } else {
      put_back();
      failed_ = ticket;
      failure_ = written.error();
    }
    if (failing_ == written.has_value()) report(written);
    failing_ = !written;
    done_.notify_all();
  }

  // Tried again at the next flush: what happened must be found later, even if its caller was told
  // that it is not certain.
  void put_back() {
    writing_ += waiting_;
    writing_.swap(waiting_);
    flush_due_ = steady_.now() + kFlushAfter;
  }

  AuditEntry lost(std::uint64_t count) const {
    return {.at = clock_.now(),
            .action = "audit.lost",
            .outcome = "dropped",
            .account = nullptr,
            .actor = "",
            .subject = "",
            .client = "",
            .request_id = "",
            .count = count};
  }

  static void report(const Result<void>& written) {
    if (written) {
      log::info("control", "the audit log is written again");
    } else {
      log::error("control", "cannot write the audit log", {{"error", written.error().detail}});
    }
  }

  const Clock& clock_;
  const SteadyClock& steady_;
  const std::unique_ptr<AuditSegments> segments_;  // the flusher's own
  std::mutex mutex_;
  std::condition_variable wake_;  // for the flusher
  std::condition_variable done_;  // for durable callers
  std::string waiting_;           // bodies of records, a line each
  std::string writing_;           // the flusher's own; the two change places, so neither grows anew
  std::uint64_t added_ = 0, written_ = 0, failed_ = 0;  // events are numbered from 1
  std::uint64_t dropped_ = 0, reported_ = 0;
  Error failure_;
  bool failing_ = false, urgent_ = false, stopping_ = false;
  SteadyClock::Instant flush_due_, refusals_due_;
  RefusalTable refusals_;
  std::thread thread_;  // last: it uses all the others
};

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& folder,
                                                 const Clock& clock, const SteadyClock& steady) {
  VALETKEY_TRY(std::unique_ptr<AuditSegments> segments,
               AuditSegments::open(folder, date_of(clock.now())));
  return std::make_unique<FileAuditLog>(std::move(segments), clock, steady);
}

}  // namespace valetkey::control
