// SPDX-License-Identifier: Apache-2.0
#include "admin/export_wiring.h"

#include <algorithm>

#include "duckdb/library.h"
#include "events/file_log.h"

namespace valetkey::admin {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLeastLaneMib = 64;  // of DuckDB's memory

exporter::ExporterOptions options_of(const config::Config::Export& config,
                                     storage::ObjectStore& objects, fs::path library) {
  exporter::ExporterOptions out;
  out.duckdb.library = std::move(library);
  out.duckdb.sha256 = config.duckdb_sha256.empty() ? duckdb::kLibrarySha256 : config.duckdb_sha256;
  // It holds plaintext: of this process, and wiped by the next one if this one dies.
  out.duckdb.folder = objects.scratch() / "duckdb";
  out.duckdb.memory_limit_mib = config.memory_limit_mib;
  // Each with one thread, since several do not keep the order of rows.
  out.lanes = std::clamp<std::size_t>(config.memory_limit_mib / kLeastLaneMib, 1, config.threads);
  out.longest_wait = config.longest_wait;
  if (config.cut == "hour") out.cut = exporter::CutAt::hour;
  if (config.cut == "day") out.cut = exporter::CutAt::day;
  out.batch_bytes = config.batch_bytes;
  out.max_partitions_a_day = config.max_partitions_a_day;
  out.window = std::chrono::floor<std::chrono::days>(config.dedup_window);
  out.dedup = config.dedup == "day" ? exporter::Dedup::day : exporter::Dedup::window;
  out.recent_uuid_bytes = config.dedup_memory_mib << 20;
  out.grace = config.grace;
  out.fence = config.fence;
  if (config.timestamps == "us") out.timestamps = layout::TimestampUnit::microseconds;
  if (config.timestamps == "ms") out.timestamps = layout::TimestampUnit::milliseconds;
  return out;
}

}  // namespace

Result<std::vector<exporter::ExportedAccount>> exported_accounts(control::ControlStore& control) {
  VALETKEY_TRY(const auto accounts, control.accounts_with_policies());
  std::vector<exporter::ExportedAccount> out;
  for (const auto& [account, policy] : accounts) {
    if (account.state != control::AccountState::deleted || policy.retention)
      out.push_back({account.id, policy.retention});
  }
  return out;
}

Result<std::vector<events::Offset>> consumed_by_partition(exporter::Ledger& ledger,
                                                          const events::EventLog* topic) {
  std::vector<events::Offset> out(events::kFilePartitions + (topic ? topic->partitions() : 0));
  for (unsigned partition = 0; partition < out.size(); ++partition) {
    VALETKEY_TRY(out[partition], ledger.consumed(partition));
  }
  return out;
}

Result<std::unique_ptr<events::EventLog>> open_idle_log(const Engines& engines,
                                                        exporter::Ledger& ledger,
                                                        const KeySource& keys) {
  VALETKEY_TRY(const auto owners, engines.databases().open_owners());
  if (!owners) return engines.open_log(ledger, keys);
  VALETKEY_TRY(const auto nodes, owners->nodes());
  if (std::ranges::any_of(nodes, &exporter::NodeState::alive))
    return fail(ErrorCode::busy, "the nodes of this installation do this work");
  return fail(ErrorCode::unavailable,
              "no node of this installation runs, and this is the work of nodes: start one with "
              "`valetkeyd serve`");
}

std::vector<exporter::Work> shared_works(unsigned topic_partitions) {
  std::vector<exporter::Work> works = {exporter::kDays};
  for (unsigned partition = 0; partition < topic_partitions; ++partition)
    works.push_back(events::kFilePartitions + partition);
  return works;
}

Result<void> check_nothing_waits_here(exporter::Ledger& ledger, const events::EventLog& log) {
  for (unsigned partition = 0; partition < events::kFilePartitions; ++partition) {
    VALETKEY_TRY(const auto consumed, ledger.consumed(partition));
    VALETKEY_TRY(const auto stats, log.stats(partition));
    if (stats.end > consumed)
      return fail(ErrorCode::invalid,
                  "events still wait in the data folder, where no other node can export them: run "
                  "`valetkeyd export` with [events] kind = \"disk\" before several nodes share the "
                  "work");
  }
  return {};
}

Result<std::unique_ptr<exporter::Exporter>> make_exporter(const ExporterParts& parts,
                                                          const config::Config::Export& config) {
  VALETKEY_TRY(auto library, duckdb::find_library(config.duckdb_library, "[export] duckdb_library",
                                                  duckdb::running_program()));
  auto options = options_of(config, parts.objects, std::move(library));
  const exporter::Ownership* ownership = parts.holdings;
  if (ownership == nullptr) {
    ownership = &exporter::ExportParts::owns_all();
    options.fence = milliseconds(0);
  }
  return std::make_unique<exporter::Exporter>(
      exporter::ExportParts{parts.log, parts.objects, parts.ledger, parts.clock,
                            [&control = parts.control] { return exported_accounts(control); },
                            std::move(options), *ownership});
}

}  // namespace valetkey::admin
