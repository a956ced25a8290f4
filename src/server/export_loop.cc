// SPDX-License-Identifier: Apache-2.0
#include "server/export_loop.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/log.h"
#include "exporter/part_reading.h"

namespace valetkey::server {
namespace {

constexpr milliseconds kPeriod{1000};
constexpr milliseconds kLongestPause{60'000};
constexpr int kNice = 10;
constexpr std::uint64_t kUsualPartsADay = 96;  // one for each quarter of an hour
constexpr std::chrono::seconds kTurn{5};       // of rewriting
constexpr std::size_t kPartsRewritten = 5;     // before it looks whether to stop
constexpr std::size_t kPartsRead = 200;        // whose statistics are kept at once
constexpr int kGroupsRead = 5;                 // in a turn

// Requests go first. Where the system forbids it, the export runs all the same.
void lower_priority() {
  const sched_param none{};
  (void)::sched_setscheduler(0, SCHED_BATCH, &none);  // of this thread, as is the next
  (void)::setpriority(PRIO_PROCESS, 0, kNice);
}

}  // namespace

void ExportLoop::start() {
  if (config_.parts_a_day() > kUsualPartsADay)
    log::warn("server",
              "[export] longest_wait makes many small parts: up to so many a day for each account, "
              "type and experiment or event, until the day closes; [export] cut = \"hour\" or "
              "\"day\" makes fewer",
              {{"parts", config_.parts_a_day()}});
  thread_ = std::thread([this] { run(); });
}

void ExportLoop::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool ExportLoop::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void ExportLoop::run() {
  lower_priority();
  milliseconds pause = kPeriod, waited{0};
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPeriod, [this] { return stopping_; })) {
    lock.unlock();
    waited += kPeriod;
    if (is_asked() || waited >= pause) {
      const auto began = parts_.clock.now();
      const auto worked = work();
      pause = worked ? kPeriod : std::min(2 * pause, kLongestPause);
      waited = milliseconds(0);
      note_outcome(worked, began);
    } else {
      // `export status` shows what was dropped while the exporter pauses, too. A failure stays for
      // work() to report.
      static_cast<void>(keep_losses());
    }
    lock.lock();
  }
  lock.unlock();
  if (const auto kept = keep_losses(); !kept) note_outcome(kept, parts_.clock.now());
}

// `valetkeyd export` ends a pause. Where the ledger cannot be read, work() says so.
bool ExportLoop::is_asked() {
  const auto requested = parts_.ledger.requested();
  if (!requested || !*requested || *requested == served_) return false;
  const bool is_new = served_ || **requested >= made_ - kPeriod;  // not of a former server's time
  served_ = *requested;
  asked_ = asked_ || is_new;
  return is_new;
}

Result<void> ExportLoop::work() {
  VALETKEY_CHECK(keep_losses());
  VALETKEY_CHECK(look());
  read_parts();
  // What it remembers of a work may be out of date where another node has done it meanwhile.
  if (parts_.holdings != nullptr) {
    const std::uint64_t gained = parts_.holdings->gained(), days = parts_.holdings->gained_days();
    const bool anything = std::exchange(gained_, gained) != gained;
    if (std::exchange(gained_days_, days) != days)
      exporter_.reset();
    else if (anything && exporter_)
      exporter_->forget_work_of_others();
  }
  if (!exporter_) {
    VALETKEY_TRY(exporter_, admin::make_exporter(parts_, config_));
  }
  VALETKEY_TRY(const auto over, day_that_is_over());
  // Once: where it stays open for a while, later events have time.
  VALETKEY_CHECK(export_waiting(asked_ || (over && over != hurried_)));
  if (stopping()) return {};
  if (over) hurried_ = over;
  asked_ = false;
  if (!holds(exporter::kDays)) return {};
  VALETKEY_CHECK(exporter_->close_days());
  VALETKEY_CHECK(apply_retention());
  VALETKEY_CHECK(exporter_->carry_out_erasures(
      [this](const AccountId& account) { return parts_.control.purge_account(account); }));
  return rewrite_parts();
}

// A few seconds at a time, so that events, days and erasures need not wait for a million parts.
Result<void> ExportLoop::rewrite_parts() {
  const auto until = std::chrono::steady_clock::now() + kTurn;
  while (!stopping() && std::chrono::steady_clock::now() < until) {
    VALETKEY_TRY(const bool more, exporter_->rewrite_some(kPartsRewritten));
    if (!more) return {};
  }
  return {};
}

// Of an import, or of a folder of an earlier release. The export does not depend on it.
void ExportLoop::read_parts() {
  for (int group = 0; group < kGroupsRead && !stopping(); ++group) {
    const auto read = exporter::read_unread_parts(parts_.objects, kPartsRead);
    if (!read && !std::exchange(parts_unreadable_, true))
      log::error("server", "the statistics of parts cannot be read; tables wait for them",
                 {{"why", read.error().detail}});
    if (read && std::exchange(parts_unreadable_, false))
      log::info("server", "the statistics of parts can be read again");
    if (!read || *read < kPartsRead) return;
  }
}

// What is due, or everything; but nothing that arrives meanwhile, or other work would never have
// its turn under load.
Result<void> ExportLoop::export_waiting(bool everything) {
  VALETKEY_TRY(const auto arrived, exporter_->arrived());
  while (!stopping()) {
    VALETKEY_TRY(const bool more,
                 exporter_->run_batch(everything ? arrived : exporter::Exporter::Mark()));
    VALETKEY_CHECK(look());
    VALETKEY_TRY(const bool reached,
                 everything ? exporter_->reached_here(arrived) : exporter_->consumed_here(arrived));
    if (!more || reached) return {};
  }
  return {};
}

// Then everything is exported first, a batch at a time, so that a stop need not wait for all of it.
Result<std::optional<Date>> ExportLoop::day_that_is_over() {
  VALETKEY_TRY(const auto closed, parts_.ledger.closed_through());
  const Date last = date_of(parts_.clock.now() - config_.grace) - std::chrono::days(1);
  return closed && *closed < last ? std::optional(last) : std::nullopt;
}

Result<void> ExportLoop::apply_retention() {
  const Date today = date_of(parts_.clock.now());
  if (retained_ == today) return {};
  VALETKEY_TRY(const auto removed, exporter_->apply_retention());
  if (removed > 0) log::info("server", "retention removed objects", {{"objects", removed}});
  retained_ = today;
  return {};
}

// Keeps what health() shows of the ledger and of the first event that waits.
Result<void> ExportLoop::look() {
  VALETKEY_TRY(const auto totals, parts_.ledger.total_counts());
  std::optional<Timestamp> oldest;
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    if (partition == cursors_.size()) cursors_.emplace_back(parts_.log, partition);
    if (!holds(partition)) continue;
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    VALETKEY_TRY(const auto stats, parts_.log.stats(partition));
    if (stats.end <= consumed) continue;
    VALETKEY_TRY(const auto first, cursors_[partition].oldest(consumed));
    if (first && (!oldest || *first < *oldest)) oldest = first;
  }
  VALETKEY_TRY(const auto waiting, parts_.ledger.run_totals());
  const std::lock_guard lock(mutex_);
  runs_ = waiting.runs;
  run_events_ = waiting.events;
  totals_ = totals;
  oldest_ = oldest;
  return {};
}

Result<void> ExportLoop::keep_losses() {
  auto losses = intake_.take_losses();
  if (losses.empty()) return {};
  auto kept = parts_.ledger.add_losses(losses);
  if (!kept) intake_.give_back(std::move(losses));
  return kept;
}

void ExportLoop::note_outcome(const Result<void>& worked, Timestamp began) {
  if (parts_.holdings != nullptr && !worked && worked.error().code == ErrorCode::busy) {
    log::info("server", "another node goes on with work of the export",
              {{"why", worked.error().detail}});
    return;
  }
  if (parts_.holdings != nullptr) parts_.holdings->note_export(worked.has_value());
  // For who asked; if even that cannot be written, they meet the same trouble.
  if (!worked) (void)parts_.ledger.note_failure(began, worked.error().detail);
  const std::lock_guard lock(mutex_);
  if (worked) {
    if (!problem_.empty()) log::info("server", "the export works again");
    problem_.clear();
    return;
  }
  ++failures_;
  problem_ = worked.error().detail;
  log::error("server", "the export failed; its events wait", {{"why", problem_}});
}

ExportHealth ExportLoop::health() const {
  ExportHealth out;
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    const auto stats = parts_.log.stats(partition);
    if (!stats) {
      out.intake_problem = stats.error().detail;
      break;
    }
    out.set_aside = stats->set_aside;  // of the whole log
    out.intake_problem = stats->problem;
    if (stats->events.value_or(0) == 0) continue;
    out.waiting_events += *stats->events;
    out.waiting_bytes = std::max(out.waiting_bytes, stats->bytes.value_or(0));
  }
  const auto now = parts_.clock.now();
  const std::lock_guard lock(mutex_);
  out.totals = totals_;
  out.parts_a_day = config_.parts_a_day();
  out.runs = runs_;
  out.run_events = run_events_;
  if (oldest_) out.lag = std::max(now - *oldest_, milliseconds(0));
  out.failures = failures_;
  out.problem = problem_;
  return out;
}

}  // namespace valetkey::server
