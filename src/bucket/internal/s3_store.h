// SPDX-License-Identifier: Apache-2.0
// An ObjectStore over any S3: AWS, Ceph, MinIO, with none of the capabilities that only some have.
// Thread-safe; every call blocks.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "bucket/internal/calls.h"
#include "storage/object_store.h"

namespace valetkey::bucket {

struct StoreOptions {
  std::string bucket;
  std::string internal_bucket{};     // of keys below internal/, which no customer may read
  std::string encryption{};          // x-amz-server-side-encryption: AES256 or aws:kms; empty: none
  std::string kms_key_id{};          // of aws:kms; empty: the bucket's own
  std::size_t part_bytes = 8 << 20;  // larger objects go in pieces of so many
  std::size_t staged_bytes = 64 << 20;  // that wait in memory for their publication
};

class S3Store : public storage::ObjectStore {
 public:
  // `calls` outlives it.
  S3Store(StoreOptions options, const Calls& calls) : options_(std::move(options)), calls_(calls) {}

  const std::string& bucket() const override { return options_.bucket; }
  storage::Capabilities capabilities() const override { return {}; }
  Result<storage::ObjectInfo> head(std::string_view key) override;
  Result<std::unique_ptr<storage::ObjectReader>> open(std::string_view key) override;
  std::optional<Result<std::unique_ptr<storage::ObjectReader>>> open_cached(
      std::string_view) override {
    return std::nullopt;
  }
  Result<storage::ListPage> list(const storage::ListQuery& query) override;
  Result<std::unique_ptr<storage::ObjectWriter>> create(std::string_view key,
                                                        Timestamp now) override;
  Result<void> publish(storage::Publication publication) override;
  std::uint64_t generation() const override { return 0; }

  // For its writers and readers.
  const Calls& calls() const { return calls_; }
  const StoreOptions& options() const { return options_; }
  const std::string& bucket_of(std::string_view key) const;
  // Headers of a new object.
  std::vector<std::pair<std::string, std::string>> new_headers(
      std::optional<std::uint64_t> rows) const;
  std::atomic<std::size_t>& staged() { return staged_; }

 private:
  Result<void> remove(const std::vector<std::string>& keys);
  Result<void> remove_of(const std::string& bucket, const std::vector<std::string>& keys);

  const StoreOptions options_;
  const Calls& calls_;
  std::atomic<std::size_t> staged_{0};  // bytes
};

}  // namespace valetkey::bucket
