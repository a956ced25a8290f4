// SPDX-License-Identifier: Apache-2.0
// Iceberg's metadata as a view of the index: a snapshot is a generation, and what describes it is made when it is
// read. Each table shows one snapshot, the current one; what a reader was shown before stays readable for as long as
// the index can still list it, and never beyond an erasure. Thread-safe; every call blocks.
// docs/decisions/0019-metadata-as-a-view.md
#pragma once

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
#include "tables/places.h"

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
  Totals totals;
};

// What lies below a key of metadata.
struct Document {
  std::string bytes;
  std::string etag;  // of the bytes
};

class Snapshots {
 public:
  // `bucket`: of the locations. The catalog outlives it.
  Snapshots(storage::PartCatalog& catalog, std::string bucket);

  // Never one that is older than another that was returned before.
  Result<Snapshot> current(const Table& table, Timestamp now);
  // Of its metadata.json, and what that holds.
  static std::string key_of(const Table& table, const Snapshot& snapshot);
  std::string metadata_of(const Table& table, const Snapshot& snapshot) const;
  // s3://bucket/v1/account_id=…/type=…
  std::string location(const Table& table) const;

  // `not_found`: there never was any, or it may not be shown any more; `busy`: there is no place at the moment,
  // said at once.
  Result<std::shared_ptr<const Document>> read(const MetadataKey& key);

  // Other walks through parts take one of the same places.
  Places& places() { return places_; }

 private:
  using Days = std::vector<storage::CatalogDay>;
  using Found = std::shared_ptr<const Document>;
  using Rows = std::vector<ManifestRow>;
  struct Pin {  // a snapshot that was shown
    Snapshot snapshot;
    Days days;
  };
  // Days whose parts lie in the same manifests.
  struct Group {
    std::string days;
    std::uint64_t changed = 0;
    std::uint64_t parts = 0;
  };
  Snapshot pin(const Table& table, const storage::Catalog& catalog, Timestamp now);
  Result<Days> days_at(const Table& table, const storage::Catalog& catalog,
                       std::uint64_t generation);
  Result<Days> count_days(const Table& table, std::uint64_t generation);
  static std::vector<Group> group(const Days& days);
  static std::string name_of(const Table& table, const Group& group);
  Result<Found> read_metadata(const Table& table, const MetadataName& name);
  Result<Found> read_list(const Table& table, const ListName& name);
  Result<Found> read_manifest(const MetadataKey& key, const ManifestName& name);
  Result<std::shared_ptr<const Rows>> rows_of(const Table& table, const Group& group,
                                              std::uint64_t generation);
  // Makes and keeps the manifests of a group.
  struct Made {
    std::shared_ptr<const Rows> rows;
    Found wanted;  // the one of that key; null: the group has none
  };
  Result<Made> make(const Table& table, const Group& group, std::uint64_t generation,
                    std::string_view wanted_key);
  // Hands over each manifest of the group and its key. `not_found`: those are not its parts any more.
  using Take = std::function<void(ManifestWriter::Made, const std::string&)>;
  Result<void> walk(const Table& table, const Group& group, std::uint64_t generation,
                    const Take& take);

  storage::PartCatalog& catalog_;
  const std::string bucket_;
  std::mutex mutex_;  // of what follows
  std::map<std::pair<std::string, layout::RowType>, std::vector<Pin>> pins_;
  std::size_t pinned_days_ = 0;
  BoundedCache<Document> manifests_;
  BoundedCache<Rows> rows_;
  Places places_;
};

}  // namespace valetkey::tables
