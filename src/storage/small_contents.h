// SPDX-License-Identifier: Apache-2.0
// Decrypted contents of small objects that are read again and again. They lie in memory that is
// locked, left out of core dumps and wiped when a content goes, so that none rests on a disk.
// Bounded by kSlots, or by what RLIMIT_MEMLOCK allows; where nothing may be locked, nothing is
// kept. All go when the store's generation grows: what was removed is not held. Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/object_id.h"

namespace valetkey::storage {

class SmallContents {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;  // of one content
  static constexpr std::size_t kSlots = 256;

  // One content, which stays while somebody holds it. Must go before the SmallContents.
  class Content {
   public:
    Content(SmallContents& owner, std::size_t slot, std::string_view bytes)
        : owner_(owner), slot_(slot), bytes_(bytes) {}
    Content(const Content&) = delete;
    Content& operator=(const Content&) = delete;
    ~Content() { owner_.give_back(slot_, bytes_.size()); }
    std::string_view bytes() const { return bytes_; }

   private:
    SmallContents& owner_;
    std::size_t slot_;
    std::string_view bytes_;
  };
  using Held = std::shared_ptr<const Content>;

  SmallContents();
  SmallContents(const SmallContents&) = delete;
  SmallContents& operator=(const SmallContents&) = delete;
  ~SmallContents();

  // Null: not kept at this generation.
  Held find(const ObjectId& id, std::uint64_t generation);
  // Keeps a copy of `bytes`, 1 to kMaxBytes, unless `generation` has passed or there is no room.
  void insert(const ObjectId& id, std::uint64_t generation, std::string_view bytes);
  // Lets all go that was kept at an earlier generation.
  void follow(std::uint64_t generation);
  std::size_t slots() const { return slots_; }

 private:
  struct ByFirstBytes {  // an id is random, and ours
    std::size_t operator()(const ObjectId& id) const {
      std::size_t hash = 0;
      std::memcpy(&hash, id.bytes.data(), sizeof hash);
      return hash;
    }
  };
  struct Entry {
    Held content;
    bool found = false;  // since the hand came by
  };
  using Entries = std::unordered_map<ObjectId, Entry, ByFirstBytes>;

  std::optional<std::size_t> take_slot();
  void evict_one();
  void give_back(std::size_t slot, std::size_t bytes);

  char* memory_ = nullptr;
  std::size_t slots_ = 0;
  std::mutex mutex_;  // of the four below; taken before free_mutex_
  std::uint64_t generation_ = 0;
  Entries entries_;
  std::vector<ObjectId> id_of_slot_;  // what was last put there
  std::size_t hand_ = 0;
  std::mutex free_mutex_;
  std::vector<std::size_t> free_;
};

}  // namespace valetkey::storage
