// SPDX-License-Identifier: Apache-2.0
// ObjectStore on a local disk, encrypted: DIR/objects.db is the index, DIR/objects/xx/<object id>
// are the files, DIR/staging/ is what is under way. A file is never overwritten: it is written;
// when it is published, it is synced with its folder, then the index row commits, then the file it
// replaces goes. Thread-safe; several processes may work in one folder. Writers, staged objects and
// readers must go before the store.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/keyring.h"
#include "storage/export_figures.h"
#include "storage/object_store.h"
#include "storage/part_catalog.h"

namespace valetkey::storage {

class DiskParts;
class FileSync;

struct DiskStoreOptions {
  std::filesystem::path folder;  // DIR
  std::string bucket;
  milliseconds poll_period{200};  // how often to look for changes of other processes
  FileSync* sync = nullptr;       // for tests, which outlives the store; none: the disk's own
};

struct StoreStats {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;    // of plain content
  std::uint64_t corrupt = 0;  // reads refused since the start because bytes did not authenticate
};

struct RewrapSummary {
  std::uint64_t rewrapped = 0;
  std::vector<std::string> failed;  // one sentence each; those rows stay as they were
};

class DiskStore final : public ObjectStore, public ExportFigures, public PartCatalog {
 public:
  ~DiskStore() override;
  const std::string& bucket() const override;
  Capabilities capabilities() const override { return {true, true, true, true}; }
  Result<ObjectInfo> head(std::string_view key) override;
  Result<std::unique_ptr<ObjectReader>> open(std::string_view key) override;
  std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(std::string_view key) override;
  Result<ListPage> list(const ListQuery& query) override;
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) override;
  Result<void> publish(Publication publication) override;
  std::uint64_t generation() const override;

  Result<std::vector<DaySums>> days(std::string_view account) override;
  Result<PartitionPage> partitions(std::string_view day_prefix, std::string_view after,
                                   std::size_t limit) override;
  Result<std::optional<ObjectInfo>> latest(std::string_view day_prefix) override;

  PartCatalog* part_catalog() override { return this; }
  Result<Catalog> catalog(const AccountId& account) override;
  Result<CatalogPage> list_parts(const AccountId& account, const std::string& prefix,
                                 const std::string& after, std::size_t limit,
                                 std::uint64_t generation) override;
  Result<UnreadyParts> unready_parts(const AccountId& account, layout::RowType type) override;
  Result<std::vector<ObjectInfo>> unread_parts(std::size_t limit) override;
  Result<void> describe(const std::vector<ReadPart>& parts) override;
  Result<std::vector<ObjectInfo>> parts_without_microseconds(const std::string& after,
                                                             std::size_t limit) override;
  Result<std::uint64_t> count_without_microseconds() override;

  Result<StoreStats> stats();
  // Removes unlisted objects whose time has come, in steps of 1,000; how many. Call it every minute
  // or so.
  Result<std::uint64_t> sweep(Timestamp now) override;
  // Wraps the data keys of all objects under the active object key, in steps of 1,000.
  Result<RewrapSummary> rewrap(Timestamp now);
  // How many objects need which object key: one may be retired when it is not among them.
  Result<std::map<std::uint32_t, std::uint64_t>> count_by_object_key();

  std::filesystem::path scratch() const override;

  // For the upkeep of its folder: storage/disk_parts.h.
  DiskParts& parts() { return *parts_; }

 private:
  friend Result<std::unique_ptr<DiskStore>> open_disk_store(DiskStoreOptions, const KeySource&,
                                                            const Clock&);
  explicit DiskStore(std::unique_ptr<DiskParts> parts);
  void watch(const std::stop_token& stop);

  std::unique_ptr<DiskParts> parts_;
  std::mutex watch_mutex_;
  std::condition_variable_any watch_wake_;
  std::jthread watcher_;  // last: stops first
};

// Makes what is missing in an empty folder. `invalid`: another bucket, a newer format, or objects
// without their index; `denied`, `full`, `busy` name the path and the remedy.
Result<std::unique_ptr<DiskStore>> open_disk_store(DiskStoreOptions options, const KeySource& keys,
                                                   const Clock& clock);

// The bucket that the index in `file` was made with; an Error where there is no such file.
Result<std::string> read_bucket(const std::filesystem::path& file);

}  // namespace valetkey::storage
