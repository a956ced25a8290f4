// SPDX-License-Identifier: Apache-2.0
// An object store in memory for tests and fuzz targets, as bare as the contract allows unless `able` says otherwise,
// with a switch for everything that a real one may do: miss its cache, block, be corrupt, fail. Listing is the naive
// model.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/crypto.h"
#include "base/encoding.h"
#include "storage/object_store.h"

namespace valetkey::storage {

class MemoryStore final : public ObjectStore {
 public:
  MemoryStore() = default;
  explicit MemoryStore(Capabilities able) : able(able) {}

  bool in_cache = true;           // false: open_cached() finds nothing
  bool blocks = false;            // cached_only reads would block
  std::set<std::string> corrupt;  // keys that do not authenticate
  std::optional<Error> failure;   // of every call
  int busy_times = 0;             // how many calls of open() find it busy
  bool leaks = false;             // a listing shows what lies outside its prefix
  std::uint64_t oldest_generation = 0;
  // Snapshots: generations are counted, though a listing is always as of now. Lasting readers keep their bytes.
  Capabilities able = {.lasting_readers = true};
  std::size_t largest_page = 1000;  // entries, whatever is asked for
  std::size_t lists = 0;            // how often the index was asked
  ListQuery last_query;

  void put(const std::string& key, std::string content, Timestamp modified,
           std::optional<std::uint64_t> rows = {}) {
    auto object = std::make_shared<Object>();
    Md5 md5;
    md5.update(content);
    const auto digest = md5.finish();
    object->info = {.key = key,
                    .size = content.size(),
                    .etag = hex({reinterpret_cast<const char*>(digest.data()), digest.size()}),
                    .crc32 = crc32(0, content),
                    .modified = modified,
                    .rows = rows};
    object->content = std::move(content);
    const std::lock_guard guard(mutex_);
    objects_[key] = std::move(object);
    ++generation_;
  }

  const std::string& bucket() const override { return bucket_; }
  Capabilities capabilities() const override { return able; }
  Result<ObjectInfo> head(std::string_view key) override {
    VALETKEY_TRY(const auto object, find(key));
    return object->info;
  }
  Result<std::unique_ptr<ObjectReader>> open(std::string_view key) override {
    if (busy_times > 0 && busy_times-- > 0) return fail(ErrorCode::busy, "busy");
    VALETKEY_TRY(auto object, find(key));
    return std::make_unique<Reader>(std::move(object), *this);
  }
  std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(std::string_view key) override {
    if (!in_cache) return std::nullopt;
    return open(key);
  }
  Result<ListPage> list(const ListQuery& query) override {
    ++lists;
    last_query = query;
    if (failure) return std::unexpected(*failure);
    if (query.generation != 0 && query.generation < oldest_generation)
      return fail(ErrorCode::not_found, "that generation is gone");
    ListPage page{.entries = {}, .truncated = false, .generation = generation()};
    for (auto& entry : entries(leaks ? std::string() : query.prefix, query.delimiter)) {
      if (!query.start_after.empty() && entry.info.key <= query.start_after) continue;
      if (query.max_entries == 0) break;
      page.truncated = page.entries.size() == std::min(query.max_entries, largest_page);
      if (page.truncated) break;
      page.entries.push_back(std::move(entry));
    }
    return page;
  }
  // Every key and common prefix below a prefix, in order.
  std::vector<ListEntry> entries(const std::string& prefix, const std::string& delimiter) const {
    const std::lock_guard guard(mutex_);
    std::map<std::string, ListEntry> found;
    for (const auto& [key, object] : objects_) {
      if (!key.starts_with(prefix)) continue;
      const auto end = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
      ListEntry entry{end != std::string::npos, object->info};
      if (entry.is_prefix) {
        entry.info = {};
        entry.info.key = key.substr(0, end + delimiter.size());
      }
      found.emplace(entry.info.key, entry);
    }
    std::vector<ListEntry> all;
    all.reserve(found.size());
    for (auto& [key, entry] : found) all.push_back(std::move(entry));
    return all;
  }
  Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) override {
    VALETKEY_CHECK(check_key(key));
    if (failure) return std::unexpected(*failure);
    ObjectInfo info;
    info.key = key;
    info.modified = now;
    return std::make_unique<Writer>(std::move(info));
  }
  Result<void> publish(Publication publication) override {
    VALETKEY_CHECK(check_size(publication));
    if (failure) return std::unexpected(*failure);
    for (const auto& object : publication.add) {
      const auto& staged = dynamic_cast<const Staged&>(*object);
      put(staged.info().key, staged.content, staged.info().modified, staged.info().rows);
    }
    const std::lock_guard guard(mutex_);
    for (const auto* gone : {&publication.unlist, &publication.remove})
      for (const auto& key : *gone) objects_.erase(key);
    return {};
  }
  std::uint64_t generation() const override {
    const std::lock_guard guard(mutex_);
    return able.snapshots ? generation_ : 0;
  }

 private:
  struct Object {
    ObjectInfo info;
    std::string content;
  };

  class Staged final : public StagedObject {
   public:
    Staged(ObjectInfo info, std::string bytes)
        : content(std::move(bytes)), info_(std::move(info)) {}
    const ObjectInfo& info() const override { return info_; }
    const std::string content;

   private:
    ObjectInfo info_;
  };

  class Writer final : public ObjectWriter {
   public:
    explicit Writer(ObjectInfo info) : info_(std::move(info)) {}
    Result<void> write(std::string_view bytes) override {
      content_ += bytes;
      return {};
    }
    Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) override {
      info_.rows = rows;
      return std::make_unique<Staged>(std::move(info_), std::move(content_));
    }

   private:
    ObjectInfo info_;
    std::string content_;
  };

  class Reader final : public ObjectReader {
   public:
    Reader(std::shared_ptr<const Object> object, const MemoryStore& store)
        : object_(std::move(object)), store_(store) {}
    const ObjectInfo& info() const override { return object_->info; }
    Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                          ReadMode mode) override {
      if (store_.blocks && mode == ReadMode::cached_only)
        return std::unexpected(ReadFailure::would_block);
      if (store_.corrupt.contains(object_->info.key)) return std::unexpected(ReadFailure::corrupt);
      if (!store_.able.lasting_readers && !store_.holds(*object_))
        return std::unexpected(ReadFailure::changed);
      if (offset >= object_->content.size()) return 0;
      return object_->content.copy(out.data(), out.size(), offset);
    }

   private:
    std::shared_ptr<const Object> object_;  // shared with the store: readable after a replacement
    const MemoryStore& store_;
  };

  Result<std::shared_ptr<const Object>> find(std::string_view key) const {
    if (failure) return std::unexpected(*failure);
    const std::lock_guard guard(mutex_);
    const auto found = objects_.find(std::string(key));
    if (found == objects_.end()) return fail(ErrorCode::not_found, "no object of that key");
    return found->second;
  }

  bool holds(const Object& object) const {
    const std::lock_guard guard(mutex_);
    const auto found = objects_.find(object.info.key);
    return found != objects_.end() && found->second.get() == &object;
  }

  mutable std::mutex mutex_;
  std::string bucket_ = "optimizely-events-data";
  std::map<std::string, std::shared_ptr<const Object>> objects_;
  std::uint64_t generation_ = 1;
};

}  // namespace valetkey::storage
