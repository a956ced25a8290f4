// SPDX-License-Identifier: Apache-2.0
#include "exporter/seen_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/ids.h"
#include "exporter/part_publisher.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kMaxSeenFiles = 24;

// The first partition's lie where those of a log without partitions did.
std::string folder_of(unsigned partition) {
  return partition == 0 ? "internal/seen/" : fmt::format("internal/seen/{}/", partition);
}

}  // namespace

// Equal uuids lie in one partition, unless one of them was written before the log had routes.
Result<void> SeenFiles::subtract(unsigned partition, Deduplicator& unseen) {
  for (unsigned other = 0; other < parts_.log.partitions(); ++other) {
    if (other != partition && parts_.log.routed(other) && parts_.log.routed(partition)) continue;
    VALETKEY_TRY(const auto files, parts_.ledger.seen(other));
    for (const auto& file : files) {
      VALETKEY_TRY(const auto reader, parts_.store.open(file.key));
      VALETKEY_CHECK(unseen.subtract(*reader));
    }
  }
  return {};
}

Result<SeenFile> SeenFiles::store(const ExportBatch& batch, const Deduplicator& unseen,
                                  Timestamp now) {
  SeenFile file{folder_of(batch.log_partition) + batch.id, date_of(now), unseen.size()};
  PartPublisher publisher(parts_.store, now);
  VALETKEY_CHECK(publisher.add_bytes(file.key, unseen.serialize()));
  VALETKEY_CHECK(publisher.flush());
  return file;
}

// An exporter that died between an object and its row in the ledger left the object behind. Once is enough: the next one
// that dies is another exporter.
Result<void> SeenFiles::remove_strays(unsigned partition, const std::vector<SeenFile>& files) {
  if (tidy_.contains(partition)) return {};
  std::set<std::string> known;
  for (const auto& file : files) known.insert(file.key);
  const auto folder = folder_of(partition);
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
  const auto key = folder_of(partition) + make_uuid();
  VALETKEY_TRY(const auto output, parts_.store.create(key, now));
  VALETKEY_TRY(const auto count,
               merge_seen(inputs, [&](std::string_view b) { return output->write(b); }));
  VALETKEY_TRY(auto staged, output->finish(std::nullopt));
  storage::Publication publication;
  publication.add.push_back(std::move(staged));
  VALETKEY_CHECK(parts_.store.publish(std::move(publication)));
  return SeenFile{key, files.front().day, count};
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
  std::map<Date, std::vector<SeenFile>> days;
  std::size_t kept = 0;
  for (const auto& file : files) {
    if (file.day + parts_.options.window < date_of(now))
      gone.push_back(file.key);
    else
      days[file.day].push_back(file), ++kept;
  }
  if (kept > kMaxSeenFiles) {
    // Of the day that has most files, since a merged file can only go when its youngest uuid may.
    const auto& most =
        std::ranges::max_element(days, {}, [](const auto& d) { return d.second.size(); })->second;
    for (const auto& file : most) gone.push_back(file.key);
    VALETKEY_TRY(auto merged, merge(partition, most, now));
    added.push_back(std::move(merged));
  }
  if (gone.empty()) return {};
  VALETKEY_TRY(const auto lease, parts_.lease(partition));
  VALETKEY_CHECK(parts_.ledger.replace_seen(lease, gone, added));
  return remove_objects(parts_.store, std::move(gone));
}

}  // namespace valetkey::exporter
