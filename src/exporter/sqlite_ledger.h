// SPDX-License-Identifier: Apache-2.0
// The ledger in objects.db, beside the index. Thread-safe; several processes may open one, and the leases tell their
// exporters apart. Tables: docs/formats.md, "Export ledger".
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ledger.h"
#include "sqlite/database.h"

namespace valetkey::exporter {

// `file` is objects.db of an open store.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file);

class SqliteLedger final : public Ledger {
 public:
  explicit SqliteLedger(std::unique_ptr<sqlite::Database> database)
      : database_(std::move(database)) {}
  Result<Lease> take_lease(Work work) override;
  Result<std::uint64_t> consumed(unsigned partition) override;
  Result<std::optional<ExportBatch>> unfinished(unsigned partition) override;
  Result<ExportBatch> begin(const Lease& lease, std::uint64_t first, std::uint64_t next) override;
  Result<void> finish(const Lease& lease, const ExportBatch& batch, const ExportResult& result,
                      Timestamp now) override;
  Result<ExportExcess> excess() override;
  Result<std::vector<SeenFile>> seen(unsigned partition) override;
  Result<std::vector<SeenFile>> all_seen() override;
  Result<void> forget_seen(const std::string& key) override;
  Result<void> replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                            const std::vector<SeenFile>& added) override;
  Result<std::optional<Date>> closed_through() override;
  Result<std::map<std::string, std::uint64_t>> erased_rows() override;
  Result<void> plan_merge(const Lease& lease, const PlannedMerge& merge) override;
  Result<std::vector<PlannedMerge>> planned_merges() override;
  Result<void> finish_merge(const Lease& lease, const std::string& output) override;
  Result<void> close_day(const Lease& lease, Date day) override;
  Result<std::int64_t> request_erasure(const std::string& account,
                                       const std::string& visitor_sha256, Timestamp now) override;
  Result<std::optional<AskedErasure>> next_erasure() override;
  Result<void> note_erased(const Lease& lease, std::int64_t id, const std::string& key,
                           std::uint64_t rows) override;
  Result<void> finish_erasure(const Lease& lease, std::int64_t id,
                              const std::vector<std::string>& unreadable) override;
  Result<std::optional<ErasureResult>> erased(std::int64_t id) override;
  Result<void> forget_account(const Lease& lease, const std::string& account,
                              std::int64_t but_erasure) override;
  Result<std::map<std::string, ExportCounts>> counts() override;
  Result<void> add_losses(const IntakeLosses& losses) override;
  Result<IntakeLosses> losses() override;
  Result<std::optional<Timestamp>> last_finished() override;
  Result<std::optional<layout::TimestampUnit>> timestamps() override;
  Result<void> set_timestamps(layout::TimestampUnit unit) override;
  Result<void> request_rewrite() override;
  Result<bool> rewriting() override;
  Result<void> finish_rewrite(const Lease& lease) override;
  Result<void> request_run(Timestamp now) override;
  Result<bool> take_request() override;
  Result<void> note_failure(Timestamp began, const std::string& why) override;
  Result<std::optional<std::string>> failed_since(Timestamp asked) override;

 private:
  Result<void> check(const Lease& lease);
  Result<void> add_losses(const char* insert, const LossCounts& counts);
  Result<LossCounts> read_losses(const char* select);
  Result<void> add_counts(const std::string& account, const ExportCounts& counts);
  Result<std::vector<SeenFile>> read_seen(sqlite::Statement& query);
  Result<void> add_seen(unsigned partition, const std::vector<SeenFile>& seen);
  Result<void> add_excess(const ExportExcess& excess, Timestamp now);
  std::mutex mutex_;
  std::unique_ptr<sqlite::Database> database_;
};

}  // namespace valetkey::exporter
