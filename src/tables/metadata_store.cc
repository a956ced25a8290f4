// SPDX-License-Identifier: Apache-2.0
#include "tables/metadata_store.h"

namespace valetkey::tables {
namespace {

using storage::ObjectInfo;
using storage::ObjectReader;

class DocumentReader final : public ObjectReader {
 public:
  DocumentReader(std::string_view key, std::shared_ptr<const Document> document)
      : document_(std::move(document)) {
    info_.key = key;
    info_.size = document_->bytes.size();
    info_.etag = document_->etag;
  }
  const ObjectInfo& info() const override { return info_; }
  Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                 storage::ReadMode) override {
    if (offset >= document_->bytes.size()) return std::size_t{0};
    return document_->bytes.copy(out.data(), out.size(), offset);
  }

 private:
  ObjectInfo info_;
  std::shared_ptr<const Document> document_;
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
  VALETKEY_TRY(auto document, snapshots_.read(*parsed));
  return std::make_unique<DocumentReader>(key, std::move(document));
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
