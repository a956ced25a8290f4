// SPDX-License-Identifier: Apache-2.0
#include "exporter/damaged_runs.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "exporter/part_publisher.h"
#include "exporter/runs.h"

namespace valetkey::exporter {
namespace {

// Nothing: the store cannot tell now. A run of which nothing can be read, not even what it held, has neither.
std::optional<RunCondition> condition_of(storage::ObjectStore& store, const std::string& key) {
  const auto reader = store.open(key);
  if (!reader && reader.error().code == ErrorCode::not_found) {
    const bool missing = is_missing(store, key).value_or(false);
    return missing ? std::optional(RunCondition()) : std::nullopt;
  }
  auto found = reader ? look_at_run(**reader) : std::unexpected(reader.error());
  if (found) return std::move(*found);
  if (found.error().code == ErrorCode::corrupt) return RunCondition();
  return std::nullopt;
}

Result<std::uint64_t> store_sound(storage::ObjectStore& store, const std::string& key,
                                  const std::vector<RunOfAccount>& sound, Timestamp now) {
  VALETKEY_TRY(const auto reader, store.open(key));
  std::deque<std::string> records;  // which the builder refers to
  RunBuilder builder;
  for (const auto& of : sound) {
    std::vector<bool> kept;
    const auto note = [&kept](std::size_t, bool keep) -> Result<void> {
      kept.push_back(keep);
      return {};
    };
    VALETKEY_CHECK(read_records(*reader, of, records.emplace_back(), note));
    builder.add(of.account, records.back(), kept);
  }
  return store_run(store, key, builder, now);
}

}  // namespace

Result<bool> is_missing(storage::ObjectStore& store, const std::string& key) {
  VALETKEY_TRY(const auto page,
               store.list({.prefix = key, .delimiter = "", .start_after = "", .max_entries = 1}));
  return page.entries.empty() || page.entries.front().info.key != key;
}

// The object first: where this ends in between, the ledger says that more wait than do, until all are cut.
Result<std::optional<std::uint64_t>> give_up_damage(storage::ObjectStore& store, Ledger& ledger,
                                                    const Run& run, Timestamp now) {
  const auto key = run_key(run.log_partition, run.id);
  const auto found = condition_of(store, key);
  if (!found || (found->lost.empty() && !found->sound.empty())) return std::nullopt;
  auto left = run;
  left.events = left.bytes = 0;
  std::map<std::string, std::uint64_t> lost;
  for (const auto& of : found->lost) lost[of.account] = of.events;
  for (const auto& of : found->sound) left.events += of.events;
  if (left.events > 0) {
    VALETKEY_TRY(left.bytes, store_sound(store, key, found->sound, now));
  }
  VALETKEY_TRY(const bool waited, ledger.reduce_run(left, run.events, lost));
  if (!waited || left.events == 0) VALETKEY_CHECK(remove_objects(store, {key}));
  if (!waited) return std::nullopt;
  return run.events - std::min(run.events, left.events);
}

}  // namespace valetkey::exporter
