// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_files.h"

#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <utility>

#include "base/ids.h"
#include "exporter/part_publisher.h"
#include "exporter/seen_name.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kMerged = 16;  // files of one size class of the day under way
constexpr std::uint64_t kLeastMergedBytes = std::uint64_t{64} << 20;

// Files of a class differ by less than kMerged: what merges them belongs to the next one, so that a uuid is written anew a
// few times a day, however many there are.
int size_class(const SeenFile& file) {
  return std::bit_width(file.uuids) / std::bit_width(kMerged - 1);
}

Result<std::string> read_all(storage::ObjectStore& store, const std::string& key) {
  VALETKEY_TRY(const auto reader, store.open(key));
  std::string out(reader->info().size, '\0');
  VALETKEY_CHECK(read_seen(*reader, 0, out));
  return out;
}

}  // namespace

// Equal uuids lie in one partition, unless one of them was written before the log had routes.
Result<void> SeenFiles::subtract(unsigned partition, Deduplicator& unseen,
                                 std::optional<Date> all_since) {
  for (unsigned other = 0; other < parts_.log.partitions(); ++other) {
    if (other != partition && parts_.log.routed(other) && parts_.log.routed(partition)) continue;
    VALETKEY_TRY(const auto files, parts_.ledger.seen(other));
    VALETKEY_CHECK(recall(other, files));
    for (const auto& file : files) {
      if (const auto* const held = recent_.find(other, file.key)) {
        unseen.subtract(*held);
      } else if (parts_.options.dedup == Dedup::window || (all_since && file.day >= *all_since)) {
        VALETKEY_TRY(const auto reader, parts_.store.open(file.key));
        VALETKEY_CHECK(unseen.subtract(*reader));
      }
    }
  }
  return {};
}

// After a start, and after another node had the partition: the newest, as far as memory reaches without a gap.
Result<void> SeenFiles::recall(unsigned partition, std::vector<SeenFile> files) {
  recent_.keep_only(partition, files);
  std::ranges::sort(files, [](const auto& a, const auto& b) { return is_older(b, a); });
  for (const auto& file : files) {
    if (recent_.find(partition, file.key) != nullptr) continue;
    if (!recent_.has_room(partition, file.uuids * kDigestBytes)) break;
    VALETKEY_TRY(auto digests, read_all(parts_.store, file.key));
    recent_.add(partition, file, std::move(digests));
  }
  return {};
}

Result<SeenFile> SeenFiles::store(const ExportBatch& batch, const Deduplicator& unseen,
                                  Timestamp now) {
  SeenFile file{seen_key(batch.log_partition, batch.next, batch.id), date_of(now), unseen.size()};
  auto digests = unseen.serialize();
  PartPublisher publisher(parts_.store, now);
  VALETKEY_CHECK(publisher.add_bytes(file.key, digests));
  VALETKEY_CHECK(publisher.flush());
  recent_.add(batch.log_partition, file, std::move(digests));
  return file;
}

// An exporter that died between an object and its row in the ledger left the object behind. Once is enough: the next one
// that dies is another exporter.
Result<void> SeenFiles::remove_strays(unsigned partition, const std::vector<SeenFile>& files) {
  if (tidy_.contains(partition)) return {};
  std::set<std::string> known;
  for (const auto& file : files) known.insert(file.key);
  const auto folder = seen_folder(partition);
  std::vector<std::string> strays;
  VALETKEY_CHECK(
      for_each_object(parts_.store, folder, [&](const storage::ObjectInfo& info) -> Result<void> {
        const bool of_another = info.key.find('/', folder.size()) != std::string::npos;
        // What is young may be of another node that has taken over, and stand in the ledger in a moment.
        const bool young = info.modified + parts_.options.fence > parts_.clock.now();
        if (!of_another && !young && !known.contains(info.key)) strays.push_back(info.key);
        return {};
      }));
  VALETKEY_CHECK(remove_objects(parts_.store, std::move(strays)));
  tidy_.insert(partition);
  return {};
}

Result<SeenFile> SeenFiles::merge(unsigned partition, const std::vector<SeenFile>& files,
                                  Timestamp now) {
  std::vector<std::unique_ptr<storage::ObjectReader>> readers;
  std::vector<storage::ObjectReader*> inputs;
  for (const auto& file : files) {
    VALETKEY_TRY(auto reader, parts_.store.open(file.key));
    inputs.push_back(readers.emplace_back(std::move(reader)).get());
  }
  const auto newest = std::ranges::max(files, {}, end_of);
  const auto key = seen_key(partition, end_of(newest), make_uuid());
  const bool held = std::ranges::all_of(
      files, [&](const auto& file) { return recent_.find(partition, file.key) != nullptr; });
  std::string digests;
  // What was exported twice is left once when its day closes, and must be found until then.
  const auto keep = parts_.options.dedup == Dedup::day ? Keep::twice : Keep::once;
  VALETKEY_TRY(const auto output, parts_.store.create(key, now));
  const auto write = [&](std::string_view piece) {
    if (held) digests += piece;
    return output->write(piece);
  };
  VALETKEY_TRY(const auto count, merge_seen(inputs, write, keep));
  VALETKEY_TRY(auto staged, output->finish(std::nullopt));
  storage::Publication publication;
  publication.add.push_back(std::move(staged));
  VALETKEY_CHECK(parts_.store.publish(std::move(publication)));
  SeenFile merged{key, newest.day, count};
  if (held) recent_.replace(partition, files, merged, std::move(digests));
  return merged;
}

// Many small ones of today; what is left of a day that is over. A merged file is no larger than a part of what memory
// holds: after a start a file is taken up whole or not at all.
std::vector<SeenFile> SeenFiles::choose(const std::vector<SeenFile>& files, Date today) const {
  const auto most = std::max(kLeastMergedBytes, parts_.options.recent_uuid_bytes / 4);
  std::map<std::pair<Date, int>, std::vector<SeenFile>> groups;
  for (const auto& file : files)
    groups[{file.day, file.day < today ? 0 : size_class(file)}].push_back(file);
  for (auto& [group, members] : groups) {
    if (group.first >= today && members.size() < kMerged) continue;
    std::ranges::sort(members, {}, &SeenFile::uuids);
    std::uint64_t bytes = 0;
    const auto end = std::ranges::find_if(
        members, [&](const SeenFile& file) { return (bytes += file.uuids * kDigestBytes) > most; });
    members.erase(end, members.end());
    if (members.size() > 1) return members;
  }
  return {};
}

// Of all partitions that this node owns: some may never have a batch again.
Result<void> SeenFiles::tidy(Timestamp now) {
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition)
    if (parts_.ownership.holds(partition)) VALETKEY_CHECK(tidy(partition, now));
  return {};
}

Result<void> SeenFiles::tidy(unsigned partition, Timestamp now) {
  VALETKEY_TRY(const auto files, parts_.ledger.seen(partition));
  VALETKEY_CHECK(remove_strays(partition, files));
  std::vector<std::string> gone;
  std::vector<SeenFile> added;
  std::vector<SeenFile> kept;
  for (const auto& file : files) {
    if (file.day + parts_.options.window < date_of(now))
      gone.push_back(file.key);
    else
      kept.push_back(file);
  }
  if (const auto many = choose(kept, date_of(now)); !many.empty()) {
    for (const auto& file : many) gone.push_back(file.key);
    VALETKEY_TRY(auto merged, merge(partition, many, now));
    added.push_back(std::move(merged));
  }
  if (gone.empty()) return {};
  VALETKEY_TRY(const auto lease, parts_.lease(partition));
  VALETKEY_CHECK(parts_.ledger.replace_seen(lease, gone, added));
  return remove_objects(parts_.store, std::move(gone));
}

}  // namespace valetkey::exporter
