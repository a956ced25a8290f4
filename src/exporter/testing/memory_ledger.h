// SPDX-License-Identifier: Apache-2.0
// A ledger in memory, for tests. Thread-safe.
#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "exporter/ledger.h"

namespace valetkey::exporter {

class MemoryLedger final : public Ledger {
 public:
  Result<Lease> take_lease(Work work) override {
    const std::lock_guard guard(mutex_);
    return Lease{work, ++epochs_[work]};
  }
  Result<std::vector<Lease>> leases() override {
    const std::lock_guard guard(mutex_);
    std::vector<Lease> all;
    for (const auto& [work, epoch] : epochs_) all.push_back({work, epoch});
    return all;
  }
  Result<std::uint64_t> consumed(unsigned partition) override {
    const std::lock_guard guard(mutex_);
    return consumed_[partition];
  }
  Result<std::optional<ExportBatch>> unfinished(unsigned partition) override {
    const std::lock_guard guard(mutex_);
    const auto found = batches_.find(partition);
    return found == batches_.end() ? std::nullopt : std::optional(found->second);
  }
  Result<ExportBatch> begin(const Lease& lease, std::uint64_t first, std::uint64_t next,
                            bool into_run = false) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    if (first >= next) return fail(ErrorCode::invalid, "a batch of nothing");
    const auto partition = static_cast<unsigned>(lease.work);
    if (batches_.contains(partition))
      return fail(ErrorCode::already_exists, "a batch is not finished");
    return batches_[partition] = {make_uuid(),
                                  partition,
                                  first,
                                  next,
                                  sealed_ ? *sealed_ + std::chrono::days(1) : Date(),
                                  into_run};
  }
  Result<std::vector<Run>> runs() override {
    const std::lock_guard guard(mutex_);
    std::vector<Run> all;
    for (const auto& [place, run] : runs_) all.push_back(run);
    return all;
  }
  Result<RunTotals> run_totals() override {
    const std::lock_guard guard(mutex_);
    RunTotals totals{runs_.size(), 0};
    for (const auto& [place, run] : runs_) totals.events += run.events;
    return totals;
  }
  Result<std::vector<Cut>> unfinished_cuts() override {
    const std::lock_guard guard(mutex_);
    std::vector<Cut> all;
    for (const auto& [partition, cut] : cuts_) all.push_back(cut);
    return all;
  }
  Result<Cut> begin_cut(const Lease& lease, std::uint64_t through) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    const auto partition = static_cast<unsigned>(lease.work);
    if (cuts_.contains(partition)) return fail(ErrorCode::already_exists, "a cut is not finished");
    return cuts_[partition] = {make_uuid(), partition, through};
  }
  Result<void> finish_cut(const Lease& lease, const Cut& cut,
                          const std::map<std::string, ExportCounts>& counts) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    const auto found = cuts_.find(cut.log_partition);
    if (found == cuts_.end() || found->second.id != cut.id)
      return fail(ErrorCode::busy, "done already");
    cuts_.erase(found);
    std::erase_if(runs_, [&](const auto& e) {
      return e.first.first == cut.log_partition && e.first.second <= cut.through;
    });
    for (const auto& [account, each] : counts) {
      in_runs_[{account, cut.log_partition}] -= each.events;
      counts_[account] += each;
    }
    settle_waiting(cut.log_partition);
    return {};
  }
  Result<bool> reduce_run(const Run& left, std::uint64_t events,
                          const std::map<std::string, std::uint64_t>& lost) override {
    const std::lock_guard guard(mutex_);
    const auto found = runs_.find({left.log_partition, left.next});
    if (found == runs_.end() || found->second.id != left.id || found->second.events != events)
      return false;
    found->second = left;
    if (left.events == 0) runs_.erase(found);
    for (const auto& [account, gone] : lost) {
      in_runs_[{account, left.log_partition}] -= gone;
      losses_.dropped[account][std::string(kInDamagedRun)] += gone;
    }
    settle_waiting(left.log_partition);
    return true;
  }
  Result<std::map<std::string, WaitingInRuns>> waiting_in_runs() override {
    const std::lock_guard guard(mutex_);
    std::map<std::string, WaitingInRuns> all;
    for (const auto& [key, events] : in_runs_) {
      auto& of = all.try_emplace(key.first, 0, Timestamp::max()).first->second;
      of.events += events;
      for (const auto& [place, run] : runs_)
        if (place.first == key.second) of.oldest = std::min(of.oldest, run.oldest);
    }
    return all;
  }
  Result<void> finish(const Lease& lease, const ExportBatch& batch, const ExportResult& result,
                      Timestamp now) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    const auto found = batches_.find(batch.log_partition);
    if (found == batches_.end() || found->second.id != batch.id)
      return fail(ErrorCode::busy, "done already");
    batches_.erase(found);
    consumed_[batch.log_partition] = batch.next;
    finished_ = now;
    for (const auto& file : result.seen) seen_[file.key] = {batch.log_partition, file};
    for (const auto& [account, each] : result.counts) counts_[account] += each;
    if (result.run) {
      runs_[{batch.log_partition, batch.next}] = *result.run;
      for (const auto& [account, events] : result.in_run)
        in_runs_[{account, batch.log_partition}] += events;
    }
    losses_ += IntakeLosses{
        .dropped = result.dropped, .altered = {}, .unknown_events = 0, .last_unknown = {}};
    for (const auto& [key, bytes] : result.excess) excess_[key] += bytes;
    return {};
  }
  Result<ExportExcess> excess() override {
    const std::lock_guard guard(mutex_);
    return excess_;
  }
  Result<std::vector<SeenFile>> seen(unsigned partition) override { return files(partition); }
  Result<std::vector<SeenFile>> all_seen() override { return files(std::nullopt); }
  Result<void> forget_seen(const std::string& key) override {
    const std::lock_guard guard(mutex_);
    seen_.erase(key);
    return {};
  }
  Result<void> replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                            const std::vector<SeenFile>& added) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    for (const auto& key : gone) seen_.erase(key);
    for (const auto& file : added) seen_[file.key] = {static_cast<unsigned>(lease.work), file};
    return {};
  }
  Result<std::optional<Date>> closed_through() override {
    const std::lock_guard guard(mutex_);
    return closed_;
  }
  Result<void> close_day(const Lease& lease, Date day) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    closed_ = closed_ ? std::max(*closed_, day) : day;
    sealed_ = sealed_ ? std::max(*sealed_, day) : day;
    for (const auto& [key, repeated] : std::exchange(repeats_, {})) {
      taken_[repeated.account] += repeated.rows;
      counts_[repeated.account].duplicates += repeated.events;
      counts_[repeated.account].events -= repeated.events;
    }
    return {};
  }
  Result<void> seal_day(const Lease& lease, Date day) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    sealed_ = sealed_ ? std::max(*sealed_, day) : day;
    return {};
  }
  Result<void> plan_merge(const Lease& lease, const PlannedMerge& merge) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    merges_[merge.output] = merge.inputs;
    return {};
  }
  Result<std::vector<PlannedMerge>> planned_merges() override {
    const std::lock_guard guard(mutex_);
    std::vector<PlannedMerge> all;
    for (const auto& [output, inputs] : merges_) all.push_back({output, inputs});
    return all;
  }
  Result<void> finish_merge(const Lease& lease, const std::string& output) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    merges_.erase(output);
    return {};
  }
  Result<std::int64_t> request_erasure(const std::string& account,
                                       const std::string& visitor_sha256, Timestamp) override {
    const std::lock_guard guard(mutex_);
    const auto id = ++last_erasure_;
    erasures_[id].asked = {id, account, visitor_sha256};
    return id;
  }
  Result<std::optional<AskedErasure>> next_erasure() override {
    const std::lock_guard guard(mutex_);
    for (const auto& [id, each] : erasures_)
      if (!each.done) return each.asked;
    return std::nullopt;
  }
  Result<void> note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                           std::uint64_t rows) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    erasures_[id].rows[key] = rows;
    return {};
  }
  Result<void> finish_erasure(const Lease& lease, std::int64_t id,
                              const std::vector<std::string>& unreadable) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    if (!std::exchange(erasures_[id].done, true))
      for (const auto& [key, rows] : erasures_[id].rows)
        taken_[erasures_[id].asked.account] += rows;
    erasures_[id].unreadable.insert(unreadable.begin(), unreadable.end());
    return {};
  }
  Result<std::optional<ErasureResult>> erased(std::int64_t id) override {
    const std::lock_guard guard(mutex_);
    const auto found = erasures_.find(id);
    if (found == erasures_.end() || !found->second.done) return std::nullopt;
    ErasureResult out;
    for (const auto& [key, rows] : found->second.rows) out.rows += rows;
    out.unreadable.assign(found->second.unreadable.begin(), found->second.unreadable.end());
    return out;
  }
  Result<void> note_repeats(const Lease& lease, const RepeatedRows& repeated) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    repeats_[repeated.key] = repeated;
    return {};
  }
  Result<std::map<std::string, std::uint64_t>> erased_rows() override {
    const std::lock_guard guard(mutex_);
    auto all = taken_;
    for (const auto& [key, repeated] : repeats_) all[repeated.account] += repeated.rows;
    return all;
  }
  Result<void> forget_account(const Lease& lease, const std::string& account,
                              std::int64_t but_erasure) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    taken_.erase(account);
    std::erase_if(repeats_, [&](const auto& each) { return each.second.account == account; });
    counts_.erase(account);
    std::erase_if(in_runs_, [&](const auto& e) { return e.first.first == account; });
    losses_.dropped.erase(account);
    losses_.altered.erase(account);
    std::erase_if(erasures_, [&](const auto& e) {
      return e.second.asked.account == account && e.first != but_erasure;
    });
    return {};
  }
  Result<std::map<std::string, ExportCounts>> counts() override {
    const std::lock_guard guard(mutex_);
    return counts_;
  }
  Result<ExportCounts> total_counts() override {
    const std::lock_guard guard(mutex_);
    ExportCounts sum;
    for (const auto& [account, each] : counts_) sum += each;
    return sum;
  }
  Result<void> add_losses(const IntakeLosses& losses) override {
    const std::lock_guard guard(mutex_);
    losses_ += losses;
    return {};
  }
  Result<IntakeLosses> losses() override {
    const std::lock_guard guard(mutex_);
    return losses_;
  }
  Result<std::optional<Timestamp>> last_finished() override {
    const std::lock_guard guard(mutex_);
    return finished_;
  }
  Result<std::optional<layout::TimestampUnit>> timestamps() override {
    const std::lock_guard guard(mutex_);
    return timestamps_;
  }
  Result<void> set_timestamps(layout::TimestampUnit unit) override {
    const std::lock_guard guard(mutex_);
    timestamps_ = unit;
    return {};
  }
  Result<void> request_rewrite() override {
    const std::lock_guard guard(mutex_);
    rewriting_ = true;
    return {};
  }
  Result<bool> rewriting() override {
    const std::lock_guard guard(mutex_);
    return rewriting_;
  }
  Result<void> finish_rewrite(const Lease& lease) override {
    const std::lock_guard guard(mutex_);
    VALETKEY_CHECK(check(lease));
    rewriting_ = false;
    return {};
  }
  Result<void> request_run(Timestamp now) override {
    const std::lock_guard guard(mutex_);
    asked_ = now;
    return {};
  }
  Result<std::optional<Timestamp>> requested() override {
    const std::lock_guard guard(mutex_);
    return asked_;
  }
  Result<void> note_failure(Timestamp began, const std::string& why) override {
    const std::lock_guard guard(mutex_);
    failure_ = {began, why};
    return {};
  }
  Result<std::optional<std::string>> failed_since(Timestamp asked) override {
    const std::lock_guard guard(mutex_);
    if (!failure_ || failure_->first < asked) return std::nullopt;
    return failure_->second;
  }

 private:
  struct UnderWay {
    AskedErasure asked;
    bool done = false;
    std::map<std::string, std::uint64_t> rows;
    std::set<std::string> unreadable;
  };
  struct Seen {
    unsigned partition = 0;
    SeenFile file;
  };
  Result<void> check(const Lease& lease) const {
    const auto found = epochs_.find(lease.work);
    if (found != epochs_.end() && found->second == lease.epoch) return {};
    return fail(ErrorCode::busy, "another exporter has taken over");
  }
  std::vector<SeenFile> files(std::optional<unsigned> partition) const {
    const std::lock_guard guard(mutex_);
    std::vector<SeenFile> out;
    for (const auto& [key, seen] : seen_)
      if (!partition || seen.partition == *partition) out.push_back(seen.file);
    std::ranges::sort(out, {}, [](const SeenFile& file) { return std::pair(file.day, file.key); });
    return out;
  }

  // What is said to wait where no run is left was in one that was given up.
  void settle_waiting(unsigned partition) {
    const bool waits =
        std::ranges::any_of(runs_, [&](const auto& each) { return each.first.first == partition; });
    std::erase_if(in_runs_, [&](const auto& each) {
      if (each.first.second != partition || (waits && each.second > 0)) return false;
      if (each.second > 0)
        losses_.dropped[each.first.first][std::string(kInDamagedRun)] += each.second;
      return true;
    });
  }

  mutable std::mutex mutex_;
  std::map<Work, std::uint64_t> epochs_;
  std::map<unsigned, std::uint64_t> consumed_;
  std::map<unsigned, ExportBatch> batches_;
  std::map<std::pair<unsigned, std::uint64_t>, Run> runs_;  // by partition and end
  std::map<unsigned, Cut> cuts_;
  std::map<std::pair<std::string, unsigned>, std::uint64_t> in_runs_;  // events, by account
  std::map<std::string, Seen> seen_;
  std::map<std::string, ExportCounts> counts_;
  std::map<std::int64_t, UnderWay> erasures_;
  ExportExcess excess_;
  IntakeLosses losses_;
  std::map<std::string, std::uint64_t> taken_;              // rows by account
  std::map<std::string, RepeatedRows> repeats_;             // by key
  std::map<std::string, std::vector<std::string>> merges_;  // inputs by output
  std::optional<Date> closed_, sealed_;
  std::optional<Timestamp> finished_;
  std::optional<std::pair<Timestamp, std::string>> failure_;
  std::int64_t last_erasure_ = 0;
  std::optional<layout::TimestampUnit> timestamps_;
  bool rewriting_ = false;
  std::optional<Timestamp> asked_;
};

}  // namespace valetkey::exporter
