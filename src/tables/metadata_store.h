// SPDX-License-Identifier: Apache-2.0
// An object store that also answers for Iceberg's metadata: a session that may read a table's parts reads it under keys
// of the same folder, after the same decision. Listings do not show it. Thread-safe as the store behind it.
#pragma once

#include "storage/object_store.h"
#include "tables/snapshots.h"

namespace valetkey::tables {

class MetadataStore final : public storage::ObjectStore {
 public:
  // Both outlive it.
  MetadataStore(storage::ObjectStore& objects, Snapshots& snapshots)
      : objects_(objects), snapshots_(snapshots) {}

  const std::string& bucket() const override { return objects_.bucket(); }
  storage::Capabilities capabilities() const override { return objects_.capabilities(); }
  Result<storage::ObjectInfo> head(std::string_view key) override;
  Result<std::unique_ptr<storage::ObjectReader>> open(std::string_view key) override;
  std::optional<Result<std::unique_ptr<storage::ObjectReader>>> open_cached(
      std::string_view key) override;
  Result<storage::ListPage> list(const storage::ListQuery& query) override {
    return objects_.list(query);
  }
  // `denied` where no object can lie.
  Result<std::unique_ptr<storage::ObjectWriter>> create(std::string_view key,
                                                        Timestamp now) override;
  Result<void> publish(storage::Publication publication) override {
    return objects_.publish(std::move(publication));
  }
  Result<std::uint64_t> sweep(Timestamp now) override { return objects_.sweep(now); }
  std::filesystem::path scratch() const override { return objects_.scratch(); }
  std::uint64_t generation() const override { return objects_.generation(); }

 private:
  storage::ObjectStore& objects_;
  Snapshots& snapshots_;
};

}  // namespace valetkey::tables
