// SPDX-License-Identifier: Apache-2.0
// Caches without locks: what each thread keeps on behalf of one object.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/keyed_hash.h"

namespace valetkey {

// Held by the object that the threads keep a Kept for. Each thread has one of its own, default
// constructed, and made anew when the version that it was kept under is no longer the one that
// get() is asked for. After the owner has gone, a thread drops its Kept when another owner of such a
// cache first asks there. Thread-safe.
template <class Kept, class Version = std::uint64_t>
class ThreadCache {
 public:
  ThreadCache() = default;
  ThreadCache(const ThreadCache&) = delete;
  ThreadCache& operator=(const ThreadCache&) = delete;

  // This thread's own. The reference holds until the thread's next call.
  Kept& get(const Version& version) const {
    Slot& slot = slot_of_thread();
    if (!(slot.version == version)) {
      slot.kept = std::make_unique<Kept>();
      slot.version = version;
    }
    return *slot.kept;
  }

 private:
  struct Slot {
    std::weak_ptr<const std::uint64_t> owner;
    std::uint64_t id;  // an address may be another owner's later
    Version version{};
    std::unique_ptr<Kept> kept = std::make_unique<Kept>();
  };

  static std::uint64_t next_id() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  Slot& slot_of_thread() const {
    thread_local std::vector<Slot> slots;  // rarely more than one
    for (Slot& slot : slots)
      if (slot.id == *id_) return slot;
    std::erase_if(slots, [](const Slot& slot) { return slot.owner.expired(); });
    return slots.emplace_back(Slot{.owner = id_, .id = *id_});
  }

  // Not shared: its end shows that the owner has gone.
  const std::shared_ptr<const std::uint64_t> id_ = std::make_shared<const std::uint64_t>(next_id());
};

// A map of bounded size that forgets what was not found for long: what is found in the old half
// moves to the young one, which becomes the old one when it is full. For one thread.
template <class Key, class Value, std::size_t most, class Hash = std::hash<Key>>
class RecentMap {
 public:
  // Null: not there, or forgotten. Until the next call.
  template <class Sought>
  Value* find(const Sought& key) {
    if (const auto found = young_.find(key); found != young_.end()) return &found->second;
    const auto aged = old_.find(key);
    if (aged == old_.end()) return nullptr;
    auto node = old_.extract(aged);
    make_room();
    return &young_.insert(std::move(node)).position->second;
  }
  void insert(Key key, Value value) {
    make_room();
    young_.insert_or_assign(std::move(key), std::move(value));
  }
  std::size_t size() const { return young_.size() + old_.size(); }

 private:
  void make_room() {
    if (young_.size() < most / 2) return;
    old_.swap(young_);
    young_.clear();
  }

  using Map = std::unordered_map<Key, Value, Hash, std::equal_to<>>;
  Map young_, old_;
};

// The same of names that come from outside.
template <class Value, std::size_t most>
using RecentNames = RecentMap<std::string, Value, most, KeyedHash>;

}  // namespace valetkey
