// SPDX-License-Identifier: Apache-2.0
// What a DiskStore consists of, for its readers and writers and for `upkeep`, which checks and copies its folder. Other
// modules see the DiskStore alone: repo.layers holds it. Thread-safe.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/keyring.h"
#include "base/secret.h"
#include "base/thread_cache.h"
#include "base/timestamp.h"
#include "storage/disk_store.h"
#include "storage/file_sync.h"
#include "storage/index.h"
#include "storage/small_contents.h"
#include "storage/staging.h"

namespace valetkey::storage {

struct KnownObject {
  ObjectInfo info;
  ObjectId id;
  Secret data_key;
  std::optional<Timestamp> readable_until;
  std::uint64_t generation = 0;  // the store's before its row was read
};

class DiskParts {
 public:
  using Known = std::shared_ptr<const KnownObject>;

  static Result<std::unique_ptr<DiskParts>> open(DiskStoreOptions options, const KeySource& keys,
                                                 const Clock& clock);

  const DiskStoreOptions& options() const { return options_; }
  const KeySource& keys() const { return keys_; }
  const Clock& clock() const { return clock_; }
  Index& index() { return *index_; }
  Staging& staging() { return *staging_; }
  FileSync& sync() { return *sync_; }
  SmallContents& contents() { return contents_; }
  std::filesystem::path path_of(const ObjectId& id) const;

  // `fresh`: from the index, whatever this thread remembers.
  Result<Known> look_up(std::string_view key, bool fresh);
  Known remembered(std::string_view key) const;  // by this thread; null: not known
  void remember(const Known& known) const;       // in this thread's memory, if it still holds
  // The row with its data key opened. `corrupt`, logged and counted, if it does not authenticate.
  Result<KnownObject> open_row(IndexRow row);
  // Wraps the data key of a finished object and makes its index row.
  Result<IndexRow> seal_row(ObjectInfo info, const ObjectId& id, const Secret& data_key);
  // Before a commit takes these objects out of the index.
  Result<void> note_former(const std::vector<FormerObject>& former);
  // Removes a file that the index does not name, and its note. Failures are logged: check finds it.
  void discard(const ObjectId& id);

  void count_corrupt(std::string_view key, std::string_view what);
  std::uint64_t corrupt() const { return corrupt_.load(std::memory_order_relaxed); }
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  void raise_generation(std::uint64_t generation);

 private:
  DiskParts(DiskStoreOptions options, const KeySource& keys, const Clock& clock)
      : options_(std::move(options)), keys_(keys), clock_(clock) {}

  DiskStoreOptions options_;
  const KeySource& keys_;
  const Clock& clock_;
  std::unique_ptr<Index> index_;
  std::unique_ptr<Staging> staging_;
  std::unique_ptr<FileSync> own_sync_;
  FileSync* sync_ = nullptr;
  ThreadCache<RecentNames<Known, 4096>> known_;  // for as long as the generation stands
  SmallContents contents_;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::uint64_t> corrupt_{0};
};

}  // namespace valetkey::storage
