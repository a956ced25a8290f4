// SPDX-License-Identifier: Apache-2.0
// Batches that become runs, and the cutting of runs into parts: at the turn of the hour, or at the end of a day. A cut is
// a batch whose events lie in runs: (1) a ledger row fixes which, (2) parts are published under names derived from it,
// (3) one ledger transaction counts them and releases the runs, (4) their objects go. docs/decisions/0027.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "exporter/batches.h"
#include "exporter/runs.h"

namespace valetkey::exporter {
namespace {

// Of records that are turned into parts at once. A part of the names of parts: a repetition must find the same.
constexpr std::uint64_t kSliceBytes = std::uint64_t{64} << 20;
// Of runs of one partition, in batches of full size: then they are cut, whatever the time.
constexpr std::uint64_t kMostBatches = 64;
// Or in number, since a cut has all of its runs open, and the directories of their accounts in memory.
constexpr std::size_t kMostRuns = 128;
constexpr std::chrono::minutes kCutAgain{1};  // after one that failed

// A run that is open for reading, and where in it an account's records lie.
struct OpenRun {
  Run run;
  std::unique_ptr<storage::ObjectReader> reader;
};
struct Piece {
  RunOfAccount of;
  std::size_t run = 0;
};

Result<std::vector<OpenRun>> open_runs(storage::ObjectStore& store, const std::vector<Run>& runs) {
  std::vector<OpenRun> open;
  for (const auto& run : runs) {
    VALETKEY_TRY(auto reader, open_run(store, run_key(run.log_partition, run.id)));
    open.push_back({run, std::move(reader)});
  }
  return open;
}

// By account, and then as they were logged.
Result<std::vector<Piece>> pieces_of(const std::vector<OpenRun>& runs) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    VALETKEY_TRY(auto accounts, read_run(*runs[i].reader));
    for (auto& of : accounts) pieces.push_back({std::move(of), i});
  }
  std::ranges::sort(pieces, {}, [](const Piece& p) { return std::tie(p.of.account, p.run); });
  return pieces;
}

}  // namespace

std::optional<std::vector<Run>> Batches::due_cut(const std::vector<Run>& runs,
                                                 std::uint64_t consumed, const Mark& mark) const {
  if (runs.empty()) return std::nullopt;
  const auto& first = runs.front();
  std::vector<Run> cut;
  std::uint64_t bytes = 0;
  // Of one open day, which the rows of a cut have in common.
  for (const auto& run : runs) {
    bytes += run.bytes;
    if (run.open_day == first.open_day && cut.size() < kMostRuns) cut.push_back(run);
  }
  const auto now = parts_.clock.now();
  const auto hour = [](Timestamp t) { return std::chrono::floor<std::chrono::hours>(t); };
  const auto partition = first.log_partition;
  const bool asked =
      partition < mark.size() && first.first < mark[partition] && consumed >= mark[partition];
  const bool day_over = first.open_day < date_of(now - parts_.options.grace);
  const bool hour_over = parts_.options.cut == CutAt::hour && hour(first.made) < hour(now);
  if (asked || day_over || hour_over || parts_.options.cut == CutAt::batch ||
      bytes >= kMostBatches * parts_.options.batch_bytes || runs.size() >= kMostRuns)
    return cut;
  return std::nullopt;
}

Result<bool> Batches::cut_some(const Mark& mark) {
  VALETKEY_TRY(const auto cuts, parts_.ledger.unfinished_cuts());
  VALETKEY_TRY(const auto runs, parts_.ledger.runs());
  std::map<unsigned, std::vector<Run>> by_partition;
  for (const auto& cut : cuts) by_partition[cut.log_partition];
  for (const auto& run : runs) by_partition[run.log_partition].push_back(run);
  std::optional<Error> failed;
  for (const auto& [partition, waiting] : by_partition) {
    if (!parts_.ownership.holds(partition)) continue;
    const auto begun = std::ranges::find(cuts, partition, &Cut::log_partition);
    const auto done = try_cut(partition, [&]() -> Result<bool> {
      if (begun == cuts.end()) return cut_if_due(partition, waiting, mark);
      VALETKEY_CHECK(cut_runs(*begun));
      return true;
    });
    if (done && *done) return true;
    if (!done && !failed) failed = done.error();
  }
  if (failed) return std::unexpected(*std::move(failed));
  return false;
}

// A partition whose cut fails holds up no other work: it is tried again a minute later, since it may have written much.
Result<bool> Batches::try_cut(unsigned partition, const std::function<Result<bool>()>& cut) {
  const auto now = parts_.clock.now();
  const auto failed = failed_cuts_.find(partition);
  if (failed != failed_cuts_.end() && now < failed->second.again)
    return std::unexpected(failed->second.why);
  auto done = cut();
  if (done) {
    failed_cuts_.erase(partition);
    return done;
  }
  log::error("exporter", "runs cannot be cut; other events are exported meanwhile",
             {{"partition", partition}, {"why", done.error().detail}});
  failed_cuts_.insert_or_assign(partition, FailedCut{now + kCutAgain, done.error()});
  return done;
}

Result<bool> Batches::cut_if_due(unsigned partition, const std::vector<Run>& runs,
                                 const Mark& mark) {
  VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
  const auto due = due_cut(runs, consumed, mark);
  if (!due) return false;
  VALETKEY_TRY(const auto lease, parts_.lease(partition));
  VALETKEY_TRY(const auto begun, parts_.ledger.begin_cut(lease, due->back().next));
  VALETKEY_CHECK(cut_runs(begun));
  return true;
}

Result<void> Batches::cut_runs(const Cut& cut) {
  VALETKEY_TRY(auto all, parts_.ledger.runs());
  std::erase_if(all, [&](const Run& run) {
    return run.log_partition != cut.log_partition || run.next > cut.through;
  });
  VALETKEY_TRY(const auto lease, parts_.lease(cut.log_partition));
  if (all.empty()) return parts_.ledger.finish_cut(lease, cut, {});  // they were given up
  VALETKEY_TRY(const auto runs, open_runs(parts_.store, all));
  VALETKEY_TRY(const auto pieces, pieces_of(runs));
  const ExportBatch as_batch{cut.id,      cut.log_partition,    all.front().first,
                             cut.through, all.front().open_day, false};
  Counts counts;
  forget_partitions();
  parts_of_batch_.clear();
  std::size_t slices = 0;
  for (std::size_t begin = 0; begin < pieces.size();) {
    Batch events;
    for (; begin < pieces.size() && events.records.size() < kSliceBytes; ++begin) {
      const auto& [of, run] = pieces[begin];
      VALETKEY_CHECK(add_piece(*runs[run].reader, of, events));
      counts[of.account].events += of.events;
    }
    slice_ = fmt::format("-{}", slices++);
    VALETKEY_CHECK(write_slice(as_batch, events, counts));
  }
  slice_.clear();
  VALETKEY_CHECK(parts_.check_owned(cut.log_partition));
  VALETKEY_CHECK(remove_leftovers(as_batch));
  VALETKEY_CHECK(parts_.ledger.finish_cut(lease, cut, counts));
  log::info("exporter", "cut runs into parts", {{"runs", runs.size()}, {"slices", slices}});
  std::vector<std::string> gone;
  for (const auto& run : all) gone.push_back(run_key(run.log_partition, run.id));
  return remove_objects(parts_.store, std::move(gone));
}

Result<void> Batches::add_piece(storage::ObjectReader& reader, const RunOfAccount& of,
                                Batch& events) {
  return read_records(reader, of, events.records,
                      [&events](std::size_t place, bool kept) -> Result<void> {
                        if (kept) events.places.push_back(static_cast<std::uint32_t>(place));
                        return {};
                      });
}

Result<void> Batches::write_slice(const ExportBatch& batch, const Batch& events, Counts& counts) {
  RowIndexer indexer(batch.open_day, [this](const Partition& p) { return admit(p); });
  events::Event event;
  for (const auto place : events.places) {
    std::size_t at = place;
    VALETKEY_CHECK(events::decode_event(events.records, at, event));
    VALETKEY_CHECK(add_row(indexer, event, place));
  }
  return write_stretches(batch, events, indexer.finish(), counts);
}

Result<void> Batches::write_run(const ExportBatch& batch, Batch& events, ExportResult& result) {
  const EachEvent none = [](const events::Event&, std::uint32_t) { return Result<void>(); };
  VALETKEY_TRY(const auto kept, choose(batch, events, result, none));
  // They are exported when they are cut.
  for (auto& [account, each] : result.counts)
    if (const auto count = std::exchange(each.events, 0); count > 0) result.in_run[account] = count;
  RunBuilder builder;
  VALETKEY_TRY(const auto oldest, add_stretches(events, kept, builder));
  if (builder.events() == 0) return {};
  const auto now = parts_.clock.now();
  VALETKEY_CHECK(parts_.check_owned(batch.log_partition));
  VALETKEY_TRY(const auto bytes,
               store_run(parts_.store, run_key(batch.log_partition, batch.id), builder, now));
  result.run = {batch.id,
                batch.log_partition,
                batch.first,
                batch.next,
                batch.open_day,
                builder.events(),
                bytes,
                oldest,
                now};
  return {};
}

// A request is of one account, and its events refer to what it shares: where the account changes, nothing refers back.
Result<Timestamp> Batches::add_stretches(const Batch& events, const std::vector<bool>& kept,
                                         RunBuilder& builder) {
  auto oldest = Timestamp::max();
  const auto count = events.places.size();
  const auto end_of = [&](std::size_t i) {
    return i < count ? events.places[i] : static_cast<std::uint32_t>(events.records.size());
  };
  std::string account;
  std::size_t begin = 0;
  const auto close = [&](std::size_t end) {
    if (end > begin)
      builder.add(account,
                  std::string_view(events.records)
                      .substr(events.places[begin], end_of(end) - events.places[begin]),
                  std::vector<bool>(kept.begin() + static_cast<std::ptrdiff_t>(begin),
                                    kept.begin() + static_cast<std::ptrdiff_t>(end)));
    begin = end;
  };
  events::Event event;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = events.places[i];
    VALETKEY_CHECK(events::decode_event(events.records, at, event));
    if (i == 0 || event.account_id != account) {
      close(i);
      account = event.account_id;
    }
    if (kept[i]) oldest = std::min(oldest, event.received);
  }
  close(count);
  return oldest;
}

// In this order: a batch whose run is listed is under way when it is asked for, or its run is known by then, or was cut.
Result<void> Batches::remove_stray_runs() {
  std::vector<std::string> found;
  VALETKEY_CHECK(for_each_object(parts_.store, std::string(kRunsPrefix),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   found.push_back(info.key);
                                   return {};
                                 }));
  if (found.empty()) return {};
  std::set<std::string> known;
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto batch, parts_.ledger.unfinished(partition));
    if (batch) known.insert(run_key(partition, batch->id));
  }
  VALETKEY_TRY(const auto runs, parts_.ledger.runs());
  for (const auto& run : runs) known.insert(run_key(run.log_partition, run.id));
  std::erase_if(found, [&](const std::string& key) { return known.contains(key); });
  return remove_objects(parts_.store, std::move(found));
}

}  // namespace valetkey::exporter
