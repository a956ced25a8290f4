// SPDX-License-Identifier: Apache-2.0
#include "tables/metadata_store.h"

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::tables {
namespace {

using storage::ObjectInfo;
using storage::ObjectReader;

class BytesReader final : public ObjectReader {
 public:
  BytesReader(std::string_view key, std::shared_ptr<const std::string> bytes)
      : bytes_(std::move(bytes)) {
    info_.key = key;
    info_.size = bytes_->size();
    // A key has one content.
    const Digest256 digest = sha256(key);
    info_.etag = hex(as_text(digest).substr(0, 16));
  }
  const ObjectInfo& info() const override { return info_; }
  Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                 storage::ReadMode) override {
    if (offset >= bytes_->size()) return std::size_t{0};
    return bytes_->copy(out.data(), out.size(), offset);
  }

 private:
  ObjectInfo info_;
  std::shared_ptr<const std::string> bytes_;
};

}  // namespace

Result<ObjectInfo> MetadataStore::head(std::string_view key) {
  if (!is_metadata_key(key)) return objects_.head(key);
  VALETKEY_TRY(const auto reader, open(key));
  return reader->info();
}

Result<std::unique_ptr<ObjectReader>> MetadataStore::open(std::string_view key) {
  if (!is_metadata_key(key)) return objects_.open(key);
  const auto parsed = MetadataKey::parse(key);
  if (!parsed) return fail(ErrorCode::not_found, "no such metadata");
  VALETKEY_TRY(auto bytes, snapshots_.read(*parsed));
  return std::make_unique<BytesReader>(key, std::move(bytes));
}

std::optional<Result<std::unique_ptr<ObjectReader>>> MetadataStore::open_cached(
    std::string_view key) {
  if (is_metadata_key(key)) return std::nullopt;
  return objects_.open_cached(key);
}

Result<std::unique_ptr<storage::ObjectWriter>> MetadataStore::create(std::string_view key,
                                                                     Timestamp now) {
  if (is_metadata_key(key))
    return fail(ErrorCode::denied, "the folder _iceberg/ of a type is kept for metadata");
  return objects_.create(key, now);
}

}  // namespace valetkey::tables
