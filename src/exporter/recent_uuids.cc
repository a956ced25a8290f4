// SPDX-License-Identifier: Apache-2.0
#include "exporter/recent_uuids.h"

#include <algorithm>
#include <utility>

#include "exporter/seen_name.h"

namespace valetkey::exporter {

bool RecentUuids::has_room(unsigned partition, std::uint64_t bytes) const {
  if (bytes_ + bytes <= most_bytes_) return true;
  const auto mine = partitions_.find(partition);
  const auto needed = bytes + (mine == partitions_.end() ? 0 : mine->second.bytes);
  return needed <= most_bytes_ && std::ranges::any_of(partitions_, [&](const auto& other) {
           return other.first != partition && other.second.bytes > needed;
         });
}

void RecentUuids::add(unsigned partition, const SeenFile& file, std::string digests) {
  auto& mine = partitions_[partition];
  mine.bytes += digests.size();
  bytes_ += digests.size();
  const auto behind = std::ranges::upper_bound(mine.files, file, is_older, &Held::file);
  mine.files.insert(behind, {file, std::move(digests)});
  while (bytes_ > most_bytes_) {
    auto& most = std::ranges::max_element(partitions_, {}, [](const auto& each) {
                   return each.second.bytes;
                 })->second;
    const std::size_t oldest = most.files.front().file.key == file.key ? 1 : 0;
    if (oldest == most.files.size()) return;
    forget(most, oldest);
  }
}

void RecentUuids::replace(unsigned partition, const std::vector<SeenFile>& files,
                          const SeenFile& merged, std::string digests) {
  auto& mine = partitions_[partition];
  for (std::size_t i = mine.files.size(); i-- > 0;)
    if (std::ranges::find(files, mine.files[i].file.key, &SeenFile::key) != files.end())
      forget(mine, i);
  add(partition, merged, std::move(digests));
}

const std::string* RecentUuids::find(unsigned partition, const std::string& key) const {
  const auto mine = partitions_.find(partition);
  if (mine == partitions_.end()) return nullptr;
  const auto held = std::ranges::find(
      mine->second.files, key, [](const Held& each) { return std::string_view(each.file.key); });
  return held == mine->second.files.end() ? nullptr : &held->digests;
}

void RecentUuids::keep_only(unsigned partition, const std::vector<SeenFile>& files) {
  const auto mine = partitions_.find(partition);
  if (mine == partitions_.end()) return;
  auto& held = mine->second.files;
  for (std::size_t i = held.size(); i-- > 0;)
    if (std::ranges::find(files, held[i].file.key, &SeenFile::key) == files.end())
      forget(mine->second, i);
}

void RecentUuids::forget(Partition& partition, std::size_t at) {
  const auto bytes = partition.files[at].digests.size();
  partition.bytes -= bytes;
  bytes_ -= bytes;
  partition.files.erase(partition.files.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace valetkey::exporter
