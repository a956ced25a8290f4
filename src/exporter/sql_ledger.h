// SPDX-License-Identifier: Apache-2.0
// The ledger in a relational database: SQLite's objects.db, beside the index, or PostgreSQL. Thread-safe; several
// processes may open one, and the leases tell their exporters apart. Tables: docs/formats.md, "Export ledger".
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/ledger.h"
#include "postgres/database.h"
#include "sql/pool.h"

namespace valetkey::exporter {

// `file` is objects.db of an open store.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file);
// Makes its tables where they are missing.
Result<std::unique_ptr<Ledger>> open_postgres_ledger(std::shared_ptr<postgres::Server> server);

// Everything that the ledger in `file` holds, compared row by row, within a transaction of `to`, whose tables are made;
// how many rows. `already_exists`: it has a ledger that was used.
Result<std::uint64_t> copy_ledger_to_postgres(const std::filesystem::path& file,
                                              postgres::Database& to);

class SqlLedger final : public Ledger {
 public:
  using Pool = sql::Pool<sql::Database>;
  SqlLedger(Pool::Connect connect, std::size_t connections)
      : pool_(std::move(connect), connections) {}
  Result<Lease> take_lease(Work work) override;
  Result<std::vector<Lease>> leases() override;
  Result<std::uint64_t> consumed(unsigned partition) override;
  Result<std::optional<ExportBatch>> unfinished(unsigned partition) override;
  Result<ExportBatch> begin(const Lease& lease, std::uint64_t first, std::uint64_t next,
                            bool into_run) override;
  Result<void> finish(const Lease& lease, const ExportBatch& batch, const ExportResult& result,
                      Timestamp now) override;
  Result<ExportExcess> excess() override;
  Result<std::vector<SeenFile>> seen(unsigned partition) override;
  Result<std::vector<SeenFile>> all_seen() override;
  Result<void> forget_seen(const std::string& key) override;
  Result<void> replace_seen(const Lease& lease, const std::vector<std::string>& gone,
                            const std::vector<SeenFile>& added) override;
  Result<std::vector<Run>> runs() override;
  Result<RunTotals> run_totals() override;
  Result<std::vector<Cut>> unfinished_cuts() override;
  Result<Cut> begin_cut(const Lease& lease, std::uint64_t through) override;
  Result<void> finish_cut(const Lease& lease, const Cut& cut,
                          const std::map<std::string, ExportCounts>& counts) override;
  Result<std::map<std::string, WaitingInRuns>> waiting_in_runs() override;
  Result<bool> reduce_run(const Run& left, std::uint64_t events,
                          const std::map<std::string, std::uint64_t>& lost) override;
  Result<std::optional<Date>> closed_through() override;
  Result<std::map<std::string, std::uint64_t>> erased_rows() override;
  Result<void> plan_merge(const Lease& lease, const PlannedMerge& merge) override;
  Result<std::vector<PlannedMerge>> planned_merges() override;
  Result<void> finish_merge(const Lease& lease, const std::string& output) override;
  Result<void> close_day(const Lease& lease, Date day) override;
  Result<void> note_repeats(const Lease& lease, const RepeatedRows& repeated) override;
  Result<void> seal_day(const Lease& lease, Date day) override;
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
  Result<ExportCounts> total_counts() override;
  Result<void> add_losses(const IntakeLosses& losses) override;
  Result<IntakeLosses> losses() override;
  Result<std::optional<Timestamp>> last_finished() override;
  Result<std::optional<layout::TimestampUnit>> timestamps() override;
  Result<void> set_timestamps(layout::TimestampUnit unit) override;
  Result<void> request_rewrite() override;
  Result<bool> rewriting() override;
  Result<void> finish_rewrite(const Lease& lease) override;
  Result<void> request_run(Timestamp now) override;
  Result<std::optional<Timestamp>> requested() override;
  Result<void> note_failure(Timestamp began, const std::string& why) override;
  Result<std::optional<std::string>> failed_since(Timestamp asked) override;

 private:
  template <class Function>
  auto reading(Function function) {
    return sql::with_connection(pool_, function);
  }
  template <class Function>
  auto writing(Function function) {
    return sql::write(pool_, function);
  }
  // In a transaction that fails with `busy` unless the lease is in force, and that keeps others from taking it.
  template <class Function>
  auto writing(const Lease& lease, Function function) {
    return sql::write(pool_, [&](sql::Database& database) -> decltype(function(database)) {
      VALETKEY_CHECK(check(database, lease));
      return function(database);
    });
  }
  static Result<void> check(sql::Database& database, const Lease& lease);

  Pool pool_;
};

}  // namespace valetkey::exporter
