// SPDX-License-Identifier: Apache-2.0
// A ledger whose n-th call fails, for tests. Failing calls do not reach the ledger that it wraps.
#pragma once

#include <string>
#include <vector>

#include "base/testing/faulty_calls.h"
#include "exporter/ledger.h"

namespace valetkey::exporter {

class FaultyLedger final : public Ledger {
 public:
  FaultyLedger(Ledger& inner, FaultyCalls& calls) : inner_(inner), calls_(calls) {}
  Result<Lease> take_lease(Work work) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.take_lease(work);
  }
  Result<std::vector<Lease>> leases() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.leases();
  }
  Result<std::uint64_t> consumed(unsigned partition) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.consumed(partition);
  }
  Result<std::optional<ExportBatch>> unfinished(unsigned partition) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.unfinished(partition);
  }
  Result<ExportBatch> begin(const Lease& lease, std::uint64_t first, std::uint64_t next,
                            bool into_run = false) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.begin(lease, first, next, into_run);
  }
  Result<std::vector<Run>> runs() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.runs();
  }
  Result<RunTotals> run_totals() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.run_totals();
  }
  Result<std::vector<Cut>> unfinished_cuts() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.unfinished_cuts();
  }
  Result<Cut> begin_cut(const Lease& lease, std::uint64_t through) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.begin_cut(lease, through);
  }
  Result<void> finish_cut(const Lease& lease, const Cut& cut,
                          const std::map<std::string, ExportCounts>& counts) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.finish_cut(lease, cut, counts);
  }
  Result<std::map<std::string, WaitingInRuns>> waiting_in_runs() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.waiting_in_runs();
  }
  Result<bool> reduce_run(const Run& left, std::uint64_t events,
                          const std::map<std::string, std::uint64_t>& lost) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.reduce_run(left, events, lost);
  }
  Result<void> finish(const Lease& lease, const ExportBatch& batch, const ExportResult& result,
                      Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.finish(lease, batch, result, now);
  }
  Result<ExportExcess> excess() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.excess();
  }
  Result<std::vector<SeenFile>> seen(unsigned partition) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.seen(partition);
  }
  Result<std::vector<SeenFile>> all_seen() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.all_seen();
  }
  Result<void> forget_seen(const std::string& key) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.forget_seen(key);
  }
  Result<void> replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                            const std::vector<SeenFile>& added) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.replace_seen(lease, gone, added);
  }
  Result<void> note_repeats(const Lease& lease, const RepeatedRows& repeated) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.note_repeats(lease, repeated);
  }
  Result<std::map<std::string, std::uint64_t>> erased_rows() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.erased_rows();
  }
  Result<void> plan_merge(const Lease& lease, const PlannedMerge& merge) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.plan_merge(lease, merge);
  }
  Result<std::vector<PlannedMerge>> planned_merges() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.planned_merges();
  }
  Result<void> finish_merge(const Lease& lease, const std::string& output) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.finish_merge(lease, output);
  }
  Result<std::optional<Date>> closed_through() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.closed_through();
  }
  Result<void> close_day(const Lease& lease, Date day) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.close_day(lease, day);
  }
  Result<void> seal_day(const Lease& lease, Date day) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.seal_day(lease, day);
  }
  Result<std::int64_t> request_erasure(const std::string& account,
                                       const std::string& visitor_sha256, Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.request_erasure(account, visitor_sha256, now);
  }
  Result<std::optional<AskedErasure>> next_erasure() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.next_erasure();
  }
  Result<void> note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                           std::uint64_t rows) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.note_erased(lease, id, key, rows);
  }
  Result<void> finish_erasure(const Lease& lease, std::int64_t id,
                              const std::vector<std::string>& unreadable) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.finish_erasure(lease, id, unreadable);
  }
  Result<std::optional<ErasureResult>> erased(std::int64_t id) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.erased(id);
  }
  Result<void> forget_account(const Lease& lease, const std::string& account,
                              std::int64_t but_erasure) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.forget_account(lease, account, but_erasure);
  }
  Result<std::map<std::string, ExportCounts>> counts() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.counts();
  }
  Result<ExportCounts> total_counts() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.total_counts();
  }
  Result<void> add_losses(const IntakeLosses& losses) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.add_losses(losses);
  }
  Result<IntakeLosses> losses() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.losses();
  }
  Result<std::optional<Timestamp>> last_finished() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.last_finished();
  }
  Result<std::optional<layout::TimestampUnit>> timestamps() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.timestamps();
  }
  Result<void> set_timestamps(layout::TimestampUnit unit) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.set_timestamps(unit);
  }
  Result<void> request_rewrite() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.request_rewrite();
  }
  Result<bool> rewriting() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.rewriting();
  }
  Result<void> finish_rewrite(const Lease& lease) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.finish_rewrite(lease);
  }
  Result<void> request_run(Timestamp now) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.request_run(now);
  }
  Result<std::optional<Timestamp>> requested() override {
    VALETKEY_CHECK(calls_.count());
    return inner_.requested();
  }
  Result<void> note_failure(Timestamp began, const std::string& why) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.note_failure(began, why);
  }
  Result<std::optional<std::string>> failed_since(Timestamp asked) override {
    VALETKEY_CHECK(calls_.count());
    return inner_.failed_since(asked);
  }

 private:
  Ledger& inner_;
  FaultyCalls& calls_;
};

}  // namespace valetkey::exporter
