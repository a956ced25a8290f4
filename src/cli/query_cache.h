// SPDX-License-Identifier: Apache-2.0
// The folder that keeps fetched partitions for later queries, bounded in bytes: the least recently
// used go, never one that the present query needs. Several processes may use it: one fills it at a
// time, under a lock, and each reads from a snapshot of its own, which never changes.
//
//   <cache>/lock                        held while it is filled
//   <cache>/exports/<hash>/type=…       a client::Folder for each service and account
//   <cache>/running/<random>/           a snapshot: lock, decisions/<date>/<n>.parquet, or
//                                       other-<n>.parquet for a part of __other__; events/…
//
// The names in a snapshot are ours, so no name of a stranger gets into SQL; its files are hard
// links, so that they stay whatever is evicted. A partition was used when its folder was changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "cli/selection.h"
#include "client/folder.h"
#include "client/listing.h"
#include "layout/part_key.h"

namespace valetkey::cli {

// What a query runs over; removed when it goes.
class Snapshot {
 public:
  // Also removes those whose process is gone.
  static Result<std::unique_ptr<Snapshot>> make(const std::filesystem::path& cache);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  const std::filesystem::path& folder() const { return folder_; }
  // Links `file` in as this part.
  Result<void> add(const std::filesystem::path& file, const layout::PartName& part);
  bool holds(const std::string& type) const;
  void remove();

 private:
  Snapshot(std::filesystem::path folder, FileLock lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}
  std::filesystem::path folder_;
  FileLock lock_;
  std::uint64_t next_ = 0;
};

// The right to fill the cache, for one export. One thread.
class QueryCache {
 public:
  // `busy`: another process fills it. `service`: endpoint and s3_path.
  static Result<std::unique_ptr<QueryCache>> open(const std::filesystem::path& cache,
                                                  const std::string& service);

  client::Folder& folder() { return *folder_; }
  // Deletes what is of the selections and no longer listed, then evicts until all listed objects
  // fit below `limit`. `too_large` if they alone do not.
  Result<void> make_room(const std::vector<Selection>& selections,
                         const std::vector<client::ListedObject>& listed, std::uint64_t limit);
  // What of the selections was listed and fetched; nothing if any of it was evicted meanwhile.
  Result<std::optional<std::vector<client::ListedObject>>> held(
      const std::vector<Selection>& selections);
  // Puts the listed parts into the snapshot, and notes that their partitions are in use.
  Result<void> take(const std::vector<client::ListedObject>& listed, Snapshot& snapshot);

 private:
  QueryCache(std::filesystem::path cache, std::filesystem::path mine, FileLock lock)
      : cache_(std::move(cache)), mine_(std::move(mine)), lock_(std::move(lock)) {}
  std::filesystem::path cache_, mine_;
  FileLock lock_;
  std::unique_ptr<client::Folder> folder_;
};

}  // namespace valetkey::cli
