// SPDX-License-Identifier: Apache-2.0
#include "exporter/exporter.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kMaxSeenFiles = 24;
constexpr std::size_t kMostKnownPartitions = 1'000'000;  // about 50 MiB

// 64 bits of a digest, and not std::hash: whoever makes up many names of one hash would have them
// counted as one partition, and pass the limit of a day.
std::uint64_t fingerprint(std::string_view key) {
  const Digest256 digest = sha256(key);
  std::uint64_t bits = 0;
  std::memcpy(&bits, digest.data(), sizeof bits);
  return bits;
}

std::string seen_key(std::string_view id) { return fmt::format("internal/seen/{}", id); }

// A UUID (version 8) that depends on nothing but the batch and the place: a repetition overwrites
// itself.
std::string part_uuid(const ExportBatch& batch, const std::string& place) {
  auto digest = sha256(batch.id + "/" + place);
  digest[6] = static_cast<std::uint8_t>((digest[6] & 0x0f) | 0x80);
  digest[8] = static_cast<std::uint8_t>((digest[8] & 0x3f) | 0x80);
  const auto text = hex(as_text(digest).substr(0, 16));
  return fmt::format("{}-{}-{}-{}-{}", text.substr(0, 8), text.substr(8, 4), text.substr(12, 4),
                     text.substr(16, 4), text.substr(20));
}

}  // namespace

Exporter::Exporter(events::EventLog& log, storage::ObjectStore& store, ExportLedger& ledger,
                   const Clock& clock, Accounts accounts, ExporterOptions options)
    : log_(log),
      store_(store),
      ledger_(ledger),
      clock_(clock),
      accounts_(std::move(accounts)),
      options_(std::move(options)) {}

Result<ParquetWriter*> Exporter::writer() {
  if (!writer_) {
    VALETKEY_TRY(writer_, ParquetWriter::open(options_.duckdb));
  }
  return writer_.get();
}

Exporter::Mark Exporter::arrived() const {
  Mark mark(log_.partitions());
  for (unsigned partition = 0; partition < mark.size(); ++partition)
    mark[partition] = log_.stats(partition).end;
  return mark;
}

Result<bool> Exporter::reached(const Mark& mark) {
  for (unsigned partition = 0; partition < mark.size(); ++partition) {
    VALETKEY_TRY(const auto consumed, ledger_.consumed(partition));
    if (consumed < mark[partition]) return false;
  }
  return true;
}

Result<bool> Exporter::run_batch(const Mark& mark) {
  for (unsigned partition = 0; partition < log_.partitions(); ++partition) {
    VALETKEY_TRY(auto batch, ledger_.unfinished(partition));
    if (!batch) {
      VALETKEY_TRY(const auto consumed, ledger_.consumed(partition));
      VALETKEY_TRY(const bool due, is_due(partition, consumed, mark));
      if (!due) continue;
      VALETKEY_TRY(batch, begin(partition, consumed));
    }
    VALETKEY_CHECK(run(*batch));
    return true;
  }
  return false;
}

Result<void> Exporter::drain() {
  const auto mark = arrived();
  while (true) {
    VALETKEY_TRY(const bool done, reached(mark));
    if (done) return {};
    VALETKEY_TRY(const bool more, run_batch(mark));
    if (!more) return {};
  }
}

Result<bool> Exporter::is_due(unsigned partition, events::Offset consumed, const Mark& mark) {
  const auto stats = log_.stats(partition);
  if (stats.end <= consumed) return false;
  if ((partition < mark.size() && consumed < mark[partition]) ||
      stats.bytes >= options_.batch_bytes)
    return true;
  VALETKEY_TRY(const auto oldest, oldest_waiting(partition, consumed));
  if (!oldest) return true;  // damaged: move on at once
  return *oldest + options_.longest_wait <= clock_.now();
}

Result<std::optional<Timestamp>> Exporter::oldest_waiting(unsigned partition,
                                                          events::Offset consumed) {
  VALETKEY_TRY(const auto piece, log_.read(partition, consumed, 1));
  events::Event event;
  std::size_t at = 0;
  if (piece.count == 0 || !events::decode_event(piece.records, at, event)) return std::nullopt;
  return event.received;
}

// At first the day before the oldest event that waits: nothing earlier is ours to close.
Result<Date> Exporter::closed_through() {
  VALETKEY_TRY(const auto closed, ledger_.closed_through());
  if (closed) return *closed;
  auto first = date_of(clock_.now());
  for (unsigned partition = 0; partition < log_.partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, ledger_.consumed(partition));
    VALETKEY_TRY(const auto oldest, oldest_waiting(partition, consumed));
    if (oldest) first = std::min(first, date_of(*oldest));
  }
  VALETKEY_CHECK(ledger_.close_day(first - std::chrono::days(1)));
  return first - std::chrono::days(1);
}

Result<void> Exporter::run(const ExportBatch& batch) {
  ExportResult result;
  Deduplicator unseen;
  VALETKEY_TRY(const auto events, read(batch));
  VALETKEY_TRY(const auto index, plan(batch, events, unseen, result));
  VALETKEY_CHECK(write_parts(batch, events, index, result.counts));

  const auto now = clock_.now();
  if (unseen.size() > 0) {
    PartPublisher publisher(store_, now);
    VALETKEY_CHECK(publisher.add_bytes(seen_key(batch.id), unseen.serialize()));
    VALETKEY_CHECK(publisher.flush());
    result.seen.push_back({seen_key(batch.id), date_of(now), unseen.size()});
  }
  VALETKEY_CHECK(ledger_.finish(batch, result, now));
  VALETKEY_CHECK(log_.release(batch.log_partition, batch.next));
  log::info("exporter", "exported a batch",
            {{"events", events.places.size()},
             {"rows", index.rows.size()},
             {"partitions", index.partitions.size()}});
  return tidy_seen(now);
}

Result<RowIndex> Exporter::plan(const ExportBatch& batch, const Batch& events, Deduplicator& unseen,
                                ExportResult& result) {
  const auto decode = [&](std::size_t i, events::Event& event) {
    std::size_t at = events.places[i];
    return events::decode_event(events.records, at, event);
  };
  events::Event event;
  for (std::uint32_t i = 0; i < events.places.size(); ++i) {
    VALETKEY_TRY(const auto identity, events::identify_event(events.records, events.places[i]));
    unseen.add(digest_of(identity.account_id, identity.uuid, identity.keyless), i);
  }
  unseen.sort();
  VALETKEY_TRY(const auto files, ledger_.seen());
  for (const auto& file : files) {
    VALETKEY_TRY(const auto reader, store_.open(file.key));
    VALETKEY_CHECK(unseen.subtract(*reader));
  }
  const auto kept = unseen.kept(events.places.size());
  forget_partitions();
  VALETKEY_TRY(auto spent, ledger_.excess());
  WriteBudget budget(std::move(spent), options_.excess_an_hour);
  const auto stored = [&](std::size_t i) {
    return (i + 1 < events.places.size() ? events.places[i + 1] : events.records.size()) -
           events.places[i];
  };
  RowIndexer indexer(batch.open_day, [this](const Partition& p) { return admit(p); });
  for (std::size_t i = 0; i < events.places.size(); ++i) {
    VALETKEY_CHECK(decode(i, event));
    auto& count = result.counts[std::string(event.account_id)];
    if (!kept[i]) {
      ++count.duplicates;
      continue;
    }
    if (!budget.admit(event.account_id, event.received, stored(i), written_bytes(event))) {
      ++result.dropped[std::string(event.account_id)][std::string(kTooManyRows)];
      continue;
    }
    ++count.events;
    if (event.received < batch.open_day) ++count.late;
    indexer.add(event, events.places[i]);
    if (admit_failure_) return std::unexpected(*std::exchange(admit_failure_, std::nullopt));
  }
  result.excess = budget.excess();
  return indexer.finish();
}

// Between batches only: within one, days would be listed again and again, and what the batch itself
// adds to them would not count.
void Exporter::forget_partitions() {
  std::size_t count = 0;
  for (const auto& [day, partitions] : known_partitions_) count += partitions.size() + 1;
  if (count > kMostKnownPartitions) known_partitions_.clear();
}

// A day's partitions of an account are limited. What was published before counts, so that a
// repetition of the batch admits the same ones: it meets them in the same order.
bool Exporter::admit(const Partition& partition) {
  const auto account = AccountId::parse(partition.account);
  if (!account) return false;
  const auto prefix = layout::day_prefix(*account, partition.type, partition.day);
  auto it = known_partitions_.find(prefix);
  if (it == known_partitions_.end()) {
    it = known_partitions_.emplace(prefix, std::unordered_set<std::uint64_t>()).first;
    storage::ListQuery query{prefix, "/", "", 1000, 0};
    while (true) {
      const auto page = store_.list(query);
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
  if (it->second.size() >= options_.max_partitions_a_day) return false;
  it->second.insert(key);
  return true;
}

Result<void> Exporter::write_parts(const ExportBatch& batch, const Batch& events,
                                   const RowIndex& index, Counts& counts) {
  PartPublisher publisher(store_, clock_.now());
  parts_of_batch_.clear();
  for (std::size_t begin = 0; begin < index.rows.size();) {
    const auto first = index.rows[begin].partition;
    const auto type = index.partitions[first].type;
    auto end = begin;
    for (std::uint64_t bytes = 0;
         end < index.rows.size() &&
         index.rows[end].partition < first + ParquetWriter::kMaxPartitions &&
         index.partitions[index.rows[end].partition].type == type && bytes < options_.stretch_bytes;
         ++end)
      bytes += index.rows[end].bytes;
    // Now, before there are plaintext files that a sync of the file system would write out, too.
    VALETKEY_CHECK(publisher.make_room(ParquetWriter::kMaxPartitions));
    VALETKEY_CHECK(write_rows(batch, events, index, begin, end, publisher, counts));
    begin = end;
  }
  VALETKEY_CHECK(publisher.flush());
  return remove_leftovers(batch);
}

std::string Exporter::part_key(const ExportBatch& batch, const std::string& prefix,
                               std::size_t ordinal) {
  return prefix + layout::part_name(0, part_uuid(batch, fmt::format("{}/{}", prefix, ordinal)));
}

// An earlier attempt at this batch may have written a partition in more files, each half as long.
Result<void> Exporter::remove_leftovers(const ExportBatch& batch) {
  std::vector<std::string> leftovers;
  for (const auto& [prefix, count] : parts_of_batch_)
    for (auto ordinal = count;; ++ordinal) {
      auto key = part_key(batch, prefix, ordinal);
      const auto found = store_.head(key);
      if (!found && found.error().code != ErrorCode::not_found)
        return std::unexpected(found.error());
      if (!found) break;
      leftovers.push_back(std::move(key));
    }
  return remove_objects(store_, std::move(leftovers));
}

Result<void> Exporter::write_rows(const ExportBatch& batch, const Batch& events,
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
  for (const auto& file : *files) {
    const auto& p = index.partitions[file.partition];
    VALETKEY_TRY(const auto account, AccountId::parse(p.account));
    const auto prefix = layout::partition_prefix(account, p.type, p.day, p.value);
    // Where rows were looked at in halves, one partition has several files.
    const auto key = part_key(batch, prefix, parts_of_batch_[prefix]++);
    VALETKEY_TRY(const auto size, publisher.add(key, file.path, file.rows));
    auto& count = counts[p.account];
    count.rows += file.rows;
    count.bytes += size;
    ++count.parts;
  }
  return {};
}

// Nothing: it is the rows that cannot be written. An error: it is the disk, or DuckDB itself; then
// the batch stays unfinished and the log keeps its events.
Result<std::optional<std::vector<ParquetFile>>> Exporter::try_rows(const Batch& events,
                                                                   const RowIndex& index,
                                                                   std::size_t begin,
                                                                   std::size_t end) {
  VALETKEY_TRY(auto* const first, writer());
  auto files = first->write(events.records, index, begin, end);
  if (files) return std::optional(std::move(*files));
  log::warn("exporter", "a stretch of rows could not be written",
            {{"rows", end - begin}, {"reason", files.error().detail}});
  writer_.reset();  // a failure may have spoiled the instance
  VALETKEY_TRY(auto* const fresh, writer());
  files = fresh->write(events.records, index, begin, end);
  if (files) return std::optional(std::move(*files));
  writer_.reset();
  VALETKEY_TRY(auto* const probe, writer());
  VALETKEY_CHECK(probe->write_sample());
  return std::nullopt;
}

// Kept as an object, so it is sealed like everything else; its name is its place, so twice is once.
Result<void> Exporter::set_aside(const ExportBatch& batch, const Batch& events,
                                 const RowIndex& index, const RowRef& row, PartPublisher& publisher,
                                 Counts& counts) {
  std::size_t at = row.record;
  events::Event event;
  VALETKEY_CHECK(events::decode_event(events.records, at, event));
  std::string record;
  events::encode_event(event, record);
  ++counts[index.partitions[row.partition].account].set_aside;
  const auto key = fmt::format("{}{}/{}-{}", kSetAsidePrefix, batch.id, row.record, row.decision);
  log::error("exporter", "a row that could not be written was set aside", {{"object", key}});
  return publisher.add_bytes(key, record);
}

// An exporter that died between an object and its row in the ledger left the object behind. Once is
// enough: the next one that dies is another exporter.
Result<void> Exporter::remove_stray_seen(const std::vector<SeenFile>& files) {
  if (seen_is_tidy_) return {};
  std::set<std::string> known;
  for (const auto& file : files) known.insert(file.key);
  std::vector<std::string> strays;
  VALETKEY_CHECK(
      for_each_object(store_, seen_key(""), [&](const storage::ObjectInfo& info) -> Result<void> {
        if (!known.contains(info.key)) strays.push_back(info.key);
        return {};
      }));
  VALETKEY_CHECK(remove_objects(store_, std::move(strays)));
  seen_is_tidy_ = true;
  return {};
}

// Drops what the window has passed, and merges the files when they are many.
Result<void> Exporter::tidy_seen(Timestamp now) {
  VALETKEY_TRY(auto files, ledger_.seen());
  VALETKEY_CHECK(remove_stray_seen(files));
  std::vector<std::string> gone;
  std::vector<SeenFile> added, small;
  for (const auto& file : files) {
    if (file.day + options_.window < date_of(now))
      gone.push_back(file.key);
    else
      small.push_back(file);
  }
  if (small.size() > kMaxSeenFiles) {
    // Of the day that has most files, since a merged file can only go when its youngest uuid may.
    std::map<Date, std::vector<SeenFile>> days;
    for (const auto& file : small) days[file.day].push_back(file);
    const auto& most =
        std::ranges::max_element(days, {}, [](const auto& d) { return d.second.size(); })->second;
    std::vector<std::unique_ptr<storage::ObjectReader>> readers;
    std::vector<storage::ObjectReader*> inputs;
    for (const auto& file : most) {
      VALETKEY_TRY(auto reader, store_.open(file.key));
      inputs.push_back(readers.emplace_back(std::move(reader)).get());
      gone.push_back(file.key);
    }
    const auto key = seen_key(make_uuid());
    VALETKEY_TRY(const auto output, store_.create(key, now));
    VALETKEY_TRY(const auto count,
                 merge_seen(inputs, [&](std::string_view b) { return output->write(b); }));
    VALETKEY_TRY(auto staged, output->finish(std::nullopt));
    storage::Publication publication;
    publication.add.push_back(std::move(staged));
    VALETKEY_CHECK(store_.publish(std::move(publication)));
    added.push_back({key, most.front().day, count});
  }
  if (gone.empty()) return {};
  VALETKEY_CHECK(ledger_.replace_seen(gone, added));
  return remove_objects(store_, std::move(gone));
}

}  // namespace valetkey::exporter
