// SPDX-License-Identifier: Apache-2.0
// An object store in memory, for the tests and fuzz targets of this module, with a switch for
// everything that a real one may do: miss its cache, block, be corrupt, fail. Listing is the naive
// model.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/crypto.h"
#include "base/encoding.h"
#include "storage/object_store.h"

namespace valetkey::s3 {

class MemoryStore final : public storage::ObjectStore {
 public:
  bool in_cache = true;           // false: open_cached() never knows
  bool blocks = false;            // cached_only reads would block
  std::set<std::string> corrupt;  // keys that do not authenticate
  std::optional<Error> failure;   // of every call
  bool leaks = false;             // a listing shows what lies outside its prefix
  std::uint64_t oldest_generation = 0;
  std::size_t lists = 0;  // how often the index was asked
  storage::ListQuery last_query;

  void put(const std::string& key, std::string content, Timestamp modified) {
    auto object = std::make_shared<Object>();
    Md5 md5;
    md5.update(content);
    const auto digest = md5.finish();
    object->info = {.key = key,
                    .size = content.size(),
                    .etag = hex({reinterpret_cast<const char*>(digest.data()), digest.size()}),
                    .crc32 = crc32(0, content),
                    .modified = modified,
                    .rows = std::nullopt};
    object->content = std::move(content);
    objects_[key] = std::move(object);
    ++generation_;
  }

  const std::string& bucket() const override { return bucket_; }
  Result<storage::ObjectInfo> head(std::string_view key) override {
    VALETKEY_TRY(const auto object, find(key));
    return object->info;
  }
  Result<std::unique_ptr<storage::ObjectReader>> open(std::string_view key) override {
    VALETKEY_TRY(auto object, find(key));
    return std::make_unique<Reader>(std::move(object), *this);
  }
  std::optional<Result<std::unique_ptr<storage::ObjectReader>>> open_cached(
      std::string_view key) override {
    if (!in_cache) return std::nullopt;
    return open(key);
  }
  Result<storage::ListPage> list(const storage::ListQuery& query) override {
    ++lists;
    last_query = query;
    if (failure) return std::unexpected(*failure);
    if (query.generation != 0 && query.generation < oldest_generation)
      return fail(ErrorCode::not_found, "that generation is gone");
    storage::ListPage page{.entries = {}, .truncated = false, .generation = generation_};
    for (auto& entry : entries(leaks ? std::string() : query.prefix, query.delimiter)) {
      if (!query.start_after.empty() && entry.info.key <= query.start_after) continue;
      page.truncated = page.entries.size() == query.max_entries;
      if (page.truncated) break;
      page.entries.push_back(std::move(entry));
    }
    return page;
  }
  // Every key and common prefix below a prefix, in order.
  std::vector<storage::ListEntry> entries(const std::string& prefix,
                                          const std::string& delimiter) const {
    std::map<std::string, storage::ListEntry> found;
    for (const auto& [key, object] : objects_) {
      if (!key.starts_with(prefix)) continue;
      const auto end = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
      storage::ListEntry entry{end != std::string::npos, object->info};
      if (entry.is_prefix) {
        entry.info = {};
        entry.info.key = key.substr(0, end + delimiter.size());
      }
      found.emplace(entry.info.key, entry);
    }
    std::vector<storage::ListEntry> all;
    all.reserve(found.size());
    for (auto& [key, entry] : found) all.push_back(std::move(entry));
    return all;
  }
  Result<std::unique_ptr<storage::ObjectWriter>> create(std::string_view, Timestamp) override {
    return fail(ErrorCode::denied, "the store in memory is filled by put()");
  }
  Result<void> publish(storage::Publication) override {
    return fail(ErrorCode::denied, "the store in memory is filled by put()");
  }
  std::uint64_t generation() const override { return generation_; }

 private:
  struct Object {
    storage::ObjectInfo info;
    std::string content;
  };

  class Reader final : public storage::ObjectReader {
   public:
    Reader(std::shared_ptr<const Object> object, const MemoryStore& store)
        : object_(std::move(object)), store_(store) {}
    const storage::ObjectInfo& info() const override { return object_->info; }
    Result<std::size_t, storage::ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                   storage::ReadMode mode) override {
      if (store_.blocks && mode == storage::ReadMode::cached_only)
        return std::unexpected(storage::ReadFailure::would_block);
      if (store_.corrupt.contains(object_->info.key))
        return std::unexpected(storage::ReadFailure::corrupt);
      if (offset >= object_->content.size()) return 0;
      return object_->content.copy(out.data(), out.size(), offset);
    }

   private:
    std::shared_ptr<const Object> object_;  // shared with the store: readable after a replacement
    const MemoryStore& store_;
  };

  Result<std::shared_ptr<const Object>> find(std::string_view key) const {
    if (failure) return std::unexpected(*failure);
    const auto found = objects_.find(std::string(key));
    if (found == objects_.end()) return fail(ErrorCode::not_found, "no object of that key");
    return found->second;
  }

  std::string bucket_ = "optimizely-events-data";
  std::map<std::string, std::shared_ptr<const Object>> objects_;
  std::uint64_t generation_ = 1;
};

}  // namespace valetkey::s3
