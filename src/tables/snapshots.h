// SPDX-License-Identifier: Apache-2.0
// Iceberg's metadata as a view of the index: a snapshot is a generation, and what describes it is made when it is
// read. Each table shows one snapshot, the current one; what a reader was told before stays readable for as long as
// the index can still list it, and never beyond an erasure. Thread-safe; every call blocks.
// docs/decisions/0019-metadata-as-a-view.md
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/part_catalog.h"
#include "tables/bounded_cache.h"
#include "tables/manifest.h"
#include "tables/metadata_name.h"

namespace valetkey::tables {

struct Table {
  AccountId account;
  layout::RowType type = layout::RowType::decisions;
  friend bool operator==(const Table&, const Table&) = default;
};

struct Snapshot {
  std::uint64_t generation = 0;
  Timestamp seen;                  // when it was first shown
  std::uint64_t listed_as_of = 0;  // a generation, still to be had, in which the table is the same
  std::vector<storage::CatalogDay> days;
  std::uint64_t files = 0, rows = 0;
  std::string key;       // of its metadata.json
  std::string metadata;  // the same, as JSON
  // A part of the account of which nothing is known yet, and one whose instants are milliseconds: while there is
  // one, Iceberg's readers would fail, or read wrong rows. Empty: there is none.
  std::string without_statistics, without_microseconds;
};

class Snapshots {
 public:
  // `bucket`: of the locations. The catalog outlives it.
  Snapshots(storage::PartCatalog& catalog, std::string bucket);

  Result<Snapshot> current(const Table& table, Timestamp now);
  // s3://bucket/v1/account_id=…/type=…
  std::string location(const Table& table) const;

  // The bytes below such a key. `not_found`: there never were any, or they may not be shown any more; `busy`: too
  // much is being made at the moment.
  Result<std::shared_ptr<const std::string>> read(const MetadataKey& key);

 private:
  using Days = std::vector<storage::CatalogDay>;
  using Bytes = std::shared_ptr<const std::string>;
  using Rows = std::vector<ManifestRow>;
  struct Pin {  // a snapshot that was shown
    std::uint64_t generation = 0;
    Timestamp seen;
    Days days;
  };
  // Days whose parts lie in the same manifests.
  struct Group {
    std::string days;
    std::uint64_t changed = 0;
    std::uint64_t parts = 0;
  };
  class Turn;

  Pin pin(const Table& table, const storage::Catalog& catalog, Timestamp now);
  Result<Days> days_at(const Table& table, const storage::Catalog& catalog,
                       std::uint64_t generation);
  Result<Days> count_days(const Table& table, std::uint64_t generation);
  static std::vector<Group> group(const Days& days);
  std::string metadata_of(const Table& table, const MetadataName& name, const Days& days) const;
  Result<Bytes> read_metadata(const Table& table, const MetadataName& name);
  Result<Bytes> read_list(const Table& table, const ListName& name);
  Result<Bytes> read_manifest(const MetadataKey& key, const ManifestName& name);
  Result<std::shared_ptr<const Rows>> rows_of(const Table& table, const Group& group,
                                              std::uint64_t generation);
  // Hands over each manifest of the group and its key. `not_found`: those are not its parts any more.
  using Take = std::function<void(ManifestWriter::Made, const std::string&)>;
  Result<void> make(const Table& table, const Group& group, std::uint64_t generation,
                    const Take& take);

  storage::PartCatalog& catalog_;
  const std::string bucket_;
  std::mutex mutex_;  // of what follows
  std::map<std::pair<std::string, layout::RowType>, std::vector<Pin>> pins_;
  std::size_t pinned_days_ = 0;
  BoundedCache<std::string> manifests_;
  BoundedCache<Rows> rows_;
  // Who makes manifests, and who waits for a turn.
  std::mutex turns_mutex_;
  std::condition_variable turns_changed_;
  int making_ = 0;
  std::map<std::string, int> in_line_;
};

}  // namespace valetkey::tables
