// SPDX-License-Identifier: Apache-2.0
// What a thread remembers of objects it looked up, for as long as the store's generation stands.
// Holds no files. Bounded. For one thread; of_thread() finds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/keyed_hash.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "storage/object_id.h"
#include "storage/object_store.h"

namespace valetkey::storage {

struct KnownObject {
  ObjectInfo info;
  ObjectId id;
  Secret data_key;
  std::optional<Timestamp> readable_until;
  std::uint64_t generation = 0;  // the store's before its row was read
};

class MetadataCache {
 public:
  // This thread's cache for the store that holds `owner`; goes some time after the owner did.
  static MetadataCache& of_thread(const std::shared_ptr<const int>& owner);

  // Null: not known at this generation.
  std::shared_ptr<const KnownObject> find(std::string_view key, std::uint64_t generation,
                                          Timestamp now);
  // `generation`: the store's before the look-up, so that a change meanwhile drops it.
  void insert(std::shared_ptr<const KnownObject> object, std::uint64_t generation);

  static constexpr std::size_t kMaxObjects = 4096;

 private:
  using Objects = NameMap<std::shared_ptr<const KnownObject>>;

  void follow(std::uint64_t generation);

  std::uint64_t generation_ = 0;
  // Least recently used, roughly: what is found in the old half moves to the young one; when that
  // is full, it becomes the old one.
  Objects young_;
  Objects old_;
};

}  // namespace valetkey::storage
