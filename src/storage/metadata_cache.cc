// SPDX-License-Identifier: Apache-2.0
#include "storage/metadata_cache.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace valetkey::storage {

MetadataCache& MetadataCache::of_thread(const std::shared_ptr<const int>& owner) {
  struct Entry {
    std::weak_ptr<const int> owner;
    std::unique_ptr<MetadataCache> cache;
  };
  thread_local std::vector<Entry> entries;
  for (const Entry& entry : entries)
    if (!entry.owner.owner_before(owner) && !owner.owner_before(entry.owner)) return *entry.cache;
  std::erase_if(entries, [](const Entry& entry) { return entry.owner.expired(); });
  entries.push_back({owner, std::make_unique<MetadataCache>()});
  return *entries.back().cache;
}

void MetadataCache::follow(std::uint64_t generation) {
  if (generation == generation_) return;
  generation_ = generation;
  young_.clear();
  old_.clear();
}

std::shared_ptr<const KnownObject> MetadataCache::find(std::string_view key,
                                                       std::uint64_t generation, Timestamp now) {
  follow(generation);
  auto found = young_.find(key);
  if (found == young_.end()) {
    const auto aged = old_.find(key);
    if (aged == old_.end()) return nullptr;
    auto object = aged->second;
    old_.erase(aged);
    insert(object, generation);
    found = young_.find(key);
  }
  const auto& until = found->second->readable_until;
  return until && *until <= now ? nullptr : found->second;
}

void MetadataCache::insert(std::shared_ptr<const KnownObject> object, std::uint64_t generation) {
  follow(generation);
  if (young_.size() >= kMaxObjects / 2) {
    old_ = std::exchange(young_, {});
  }
  std::string key = object->info.key;
  young_.insert_or_assign(std::move(key), std::move(object));
}

}  // namespace valetkey::storage
