// SPDX-License-Identifier: Apache-2.0
// The parts that a batch becomes: which of its events are new and within their limits, and the writing of their rows.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"
#include "exporter/batches.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kMostKnownPartitions = 1'000'000;  // about 50 MiB

// 64 bits of a digest, and not std::hash: a sender who makes up many names of one hash would have
// them counted as one partition, and pass the limit of a day.
std::uint64_t fingerprint(std::string_view key) {
  const Digest256 digest = sha256(key);
  std::uint64_t bits = 0;
  std::memcpy(&bits, digest.data(), sizeof bits);
  return bits;
}

// A UUID (version 8) that depends on nothing but the batch and the place: a repetition overwrites
// itself.
std::string part_uuid(const ExportBatch& batch, const std::string& place) {
  return layout::uuid_of(batch.id + "/" + place);
}

}  // namespace

Result<RowIndex> Batches::plan(const ExportBatch& batch, Batch& events, ExportResult& result) {
  forget_partitions();
  RowIndexer indexer(batch.open_day, [this](const Partition& p) { return admit(p); });
  const auto add = [&](const events::Event& event, std::uint32_t place) {
    return add_row(indexer, event, place);
  };
  VALETKEY_CHECK(choose(batch, events, result, add));
  return indexer.finish();
}

Result<void> Batches::add_row(RowIndexer& indexer, const events::Event& event,
                              std::uint32_t place) {
  indexer.add(event, place);
  if (admit_failure_) return std::unexpected(*std::exchange(admit_failure_, std::nullopt));
  return {};
}

Result<std::vector<bool>> Batches::choose(const ExportBatch& batch, Batch& events,
                                          ExportResult& result, const EachEvent& each) {
  const auto decode = [&](std::size_t i, events::Event& event) {
    std::size_t at = events.places[i];
    return events::decode_event(events.records, at, event);
  };
  events::Event event;
  events.uuids.sort();
  // Memory may hold more now than at the first attempt, whose rows may be there: the day's end must look for them.
  if (events.again && parts_.options.dedup == Dedup::day) events.all = events.uuids;
  // Of what counts as received when the day began, nothing tells later which came first.
  const auto late = events.earliest < batch.open_day ? std::optional(batch.open_day) : std::nullopt;
  VALETKEY_CHECK(seen_files_.subtract(batch.log_partition, events.uuids, late));
  auto kept = events.uuids.kept(events.places.size());
  VALETKEY_TRY(auto spent, parts_.ledger.excess());
  WriteBudget budget(std::move(spent), parts_.options.excess_an_hour);
  const auto stored = [&](std::size_t i) {
    return (i + 1 < events.places.size() ? events.places[i + 1] : events.records.size()) -
           events.places[i];
  };
  for (std::size_t i = 0; i < events.places.size(); ++i) {
    VALETKEY_CHECK(decode(i, event));
    auto& count = result.counts[std::string(event.account_id)];
    if (!kept[i]) {
      ++count.duplicates;
      continue;
    }
    if (!budget.admit(event.account_id, event.received, stored(i), written_bytes(event))) {
      ++result.dropped[std::string(event.account_id)][std::string(kTooManyRows)];
      kept[i] = false;
      continue;
    }
    ++count.events;
    if (event.received < batch.open_day) ++count.late;
    VALETKEY_CHECK(each(event, events.places[i]));
  }
  result.excess = budget.excess();
  return kept;
}

// Between batches only: within one, days would be listed again and again, and what the batch itself
// adds to them would not count.
void Batches::forget_partitions() {
  std::size_t count = 0;
  for (const auto& [day, partitions] : known_partitions_) count += partitions.size() + 1;
  if (count > kMostKnownPartitions) known_partitions_.clear();
}

// A day's partitions of an account are limited. What was published before counts, so that a
// repetition of the batch admits the same ones: it meets them in the same order.
bool Batches::admit(const Partition& partition) {
  const auto account = AccountId::parse(partition.account);
  if (!account) return false;
  const auto prefix = layout::day_prefix(*account, partition.type, partition.day);
  auto it = known_partitions_.find(prefix);
  if (it == known_partitions_.end()) {
    it = known_partitions_.emplace(prefix, std::unordered_set<std::uint64_t>()).first;
    storage::ListQuery query{prefix, "/", "", 1000, 0};
    while (true) {
      const auto page = parts_.store.list(query);
      if (!page) {
        known_partitions_.erase(prefix);
        admit_failure_ = page.error();
        return true;  // plan() gives up
      }
      for (const auto& entry : page->entries)
        if (entry.is_prefix) it->second.insert(fingerprint(entry.info.key));
      if (!page->truncated || page->entries.empty()) break;
      query.start_after = page->entries.back().info.key;
    }
  }
  const auto key = fingerprint(
      layout::partition_prefix(*account, partition.type, partition.day, partition.value));
  if (it->second.contains(key)) return true;
  if (it->second.size() >= parts_.options.max_partitions_a_day) return false;
  it->second.insert(key);
  return true;
}

Result<void> Batches::write_parts(const ExportBatch& batch, const Batch& events,
                                  const RowIndex& index, Counts& counts) {
  parts_of_batch_.clear();
  VALETKEY_CHECK(write_stretches(batch, events, index, counts));
  VALETKEY_CHECK(parts_.check_owned(batch.log_partition));
  return remove_leftovers(batch);
}

Result<void> Batches::write_stretches(const ExportBatch& batch, const Batch& events,
                                      const RowIndex& index, Counts& counts) {
  PartPublisher publisher(parts_.store, parts_.clock.now());
  const auto stretches = cut(index);
  const auto lanes = std::max<std::size_t>(parts_.options.lanes, 1);
  for (std::size_t at = 0; at < stretches.size(); at += lanes) {
    const auto some = std::span(stretches).subspan(at, std::min(lanes, stretches.size() - at));
    // Now, before there are plaintext files that a sync of the file system would write out, too.
    VALETKEY_CHECK(parts_.check_owned(batch.log_partition));
    VALETKEY_CHECK(publisher.make_room(some.size() * ParquetWriter::kMaxPartitions));
    VALETKEY_TRY(const auto written, write_at_once(events, index, some));
    for (const auto& files : written)
      if (files) VALETKEY_CHECK(take(batch, index, *files, publisher, counts));
    // Afterwards, since a failure drops the writers with all that they wrote.
    for (std::size_t i = 0; i < written.size(); ++i)
      if (!written[i])
        VALETKEY_CHECK(
            write_rows(batch, events, index, some[i].begin, some[i].end, publisher, counts));
  }
  VALETKEY_CHECK(parts_.check_owned(batch.log_partition));
  return publisher.flush();
}

// Of one type, and no more partitions or bytes than DuckDB takes at once.
std::vector<Batches::Stretch> Batches::cut(const RowIndex& index) const {
  std::vector<Stretch> out;
  for (std::size_t begin = 0; begin < index.rows.size(); begin = out.back().end) {
    const auto first = index.rows[begin].partition;
    const auto type = index.partitions[first].type;
    auto end = begin;
    for (std::uint64_t bytes = 0;
         end < index.rows.size() &&
         index.rows[end].partition < first + ParquetWriter::kMaxPartitions &&
         index.partitions[index.rows[end].partition].type == type &&
         bytes < parts_.options.stretch_bytes;
         ++end)
      bytes += index.rows[end].bytes;
    out.push_back({begin, end});
  }
  return out;
}

// The first on this thread, the others on threads of their own.
Result<std::vector<Result<Batches::Files>>> Batches::write_at_once(
    const Batch& events, const RowIndex& index, std::span<const Stretch> stretches) {
  const auto lanes = std::max<std::size_t>(parts_.options.lanes, 1);
  std::vector<ParquetWriter*> writers;
  for (std::size_t lane = 0; lane < stretches.size(); ++lane) {
    VALETKEY_TRY(auto* const writer, parts_.writer(lane, lanes));
    writers.push_back(writer);
  }
  const auto write = [&](std::size_t lane) {
    return writers[lane]->write(events.records, index, stretches[lane].begin, stretches[lane].end);
  };
  std::vector<std::future<Result<Files>>> others;
  for (std::size_t lane = 1; lane < stretches.size(); ++lane)
    others.push_back(std::async(std::launch::async, write, lane));
  std::vector<Result<Files>> written;
  written.push_back(write(0));
  for (auto& other : others) written.push_back(other.get());
  return written;
}

std::string Batches::part_key(const ExportBatch& batch, const std::string& prefix,
                              std::size_t ordinal) {
  return prefix + layout::part_name(0, part_uuid(batch, fmt::format("{}/{}", prefix, ordinal)));
}

// An earlier attempt at this batch may have written a partition in more files, each half as long.
Result<void> Batches::remove_leftovers(const ExportBatch& batch) {
  std::vector<std::string> leftovers;
  for (const auto& [prefix, count] : parts_of_batch_)
    for (auto ordinal = count;; ++ordinal) {
      auto key = part_key(batch, prefix, ordinal);
      const auto found = parts_.store.head(key);
      if (!found && found.error().code != ErrorCode::not_found)
        return std::unexpected(found.error());
      if (!found) break;
      leftovers.push_back(std::move(key));
    }
  return remove_objects(parts_.store, std::move(leftovers));
}

Result<void> Batches::write_rows(const ExportBatch& batch, const Batch& events,
                                 const RowIndex& index, std::size_t begin, std::size_t end,
                                 PartPublisher& publisher, Counts& counts) {
  VALETKEY_TRY(const auto files, try_rows(events, index, begin, end));
  if (!files) {
    if (end - begin == 1)
      return set_aside(batch, events, index, index.rows[begin], publisher, counts);
    const auto middle = begin + (end - begin) / 2;
    VALETKEY_CHECK(write_rows(batch, events, index, begin, middle, publisher, counts));
    return write_rows(batch, events, index, middle, end, publisher, counts);
  }
  return take(batch, index, *files, publisher, counts);
}

Result<void> Batches::take(const ExportBatch& batch, const RowIndex& index, const Files& files,
                           PartPublisher& publisher, Counts& counts) {
  for (const auto& file : files) {
    const auto& p = index.partitions[file.partition];
    VALETKEY_TRY(const auto account, AccountId::parse(p.account));
    const auto prefix = layout::partition_prefix(account, p.type, p.day, p.value);
    // Where rows were looked at in halves, one partition has several files.
    const auto key = part_key(batch, prefix, parts_of_batch_[prefix]++);
    VALETKEY_TRY(const auto size, publisher.add(key, file));
    auto& count = counts[p.account];
    count.rows += file.rows;
    count.bytes += size;
    ++count.parts;
  }
  return {};
}

// Nothing: it is the rows that cannot be written. An error: it is the disk, or DuckDB itself; then
// the batch stays unfinished and the log keeps its events.
Result<std::optional<Batches::Files>> Batches::try_rows(const Batch& events, const RowIndex& index,
                                                        std::size_t begin, std::size_t end) {
  VALETKEY_TRY(auto* const first, parts_.writer());
  auto files = first->write(events.records, index, begin, end);
  if (files) return std::optional(std::move(*files));
  log::warn("exporter", "a stretch of rows could not be written",
            {{"rows", end - begin}, {"reason", files.error().detail}});
  parts_.drop_writer();  // a failure may have spoiled the instance
  VALETKEY_TRY(auto* const fresh, parts_.writer());
  files = fresh->write(events.records, index, begin, end);
  if (files) return std::optional(std::move(*files));
  parts_.drop_writer();
  VALETKEY_TRY(auto* const probe, parts_.writer());
  VALETKEY_CHECK(probe->write_sample());
  return std::nullopt;
}

// Kept as an object, so it is sealed like everything else; its name is its place, so twice is once.
Result<void> Batches::set_aside(const ExportBatch& batch, const Batch& events,
                                const RowIndex& index, const RowRef& row, PartPublisher& publisher,
                                Counts& counts) {
  std::size_t at = row.record;
  events::Event event;
  VALETKEY_CHECK(events::decode_event(events.records, at, event));
  std::string record;
  events::encode_event(event, record);
  ++counts[index.partitions[row.partition].account].set_aside;
  const auto key =
      fmt::format("{}{}{}/{}-{}", kSetAsidePrefix, batch.id, slice_, row.record, row.decision);
  log::error("exporter", "a row that could not be written was set aside", {{"object", key}});
  return publisher.add_bytes(key, record);
}

}  // namespace valetkey::exporter
