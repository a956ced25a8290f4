// SPDX-License-Identifier: Apache-2.0
// An object store in memory for tests and fuzz targets, as bare as the contract allows unless `able` says otherwise,
// with a switch for everything that a real one may do: miss its cache, block, be corrupt, fail. Listing is the naive
// model.
#pragma once

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/crypto.h"
#include "base/encoding.h"
#include "layout/part_key.h"
#include "storage/object_store.h"

namespace valetkey::storage {

// What the disk store can do.
inline constexpr Capabilities kAbleAsTheDisk{
    .snapshots = true, .unlisting = true, .atomic_groups = true, .lasting_readers = true};

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
  Timestamp time{};               // that it is, for what is unlisted
  Capabilities able = {.lasting_readers = true};
  std::size_t largest_page = 1000;  // entries, whatever is asked for
  std::size_t lists = 0;            // how often the index was asked
  ListQuery last_query;

  void put(const std::string& key, std::string content, Timestamp modified,
           std::optional<std::uint64_t> rows = {}) {
    ObjectInfo info;
    info.key = key;
    info.modified = modified;
    info.rows = rows;
    auto object = made_of(std::move(info), std::move(content));
    const std::lock_guard guard(mutex_);
    ++generation_;
    add(std::move(object));
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
    const std::lock_guard guard(mutex_);
    ++lists;
    last_query = query;
    if (failure) return std::unexpected(*failure);
    const auto then = able.snapshots ? query.generation : 0;
    if (then > generation_ || (then != 0 && then < oldest_of(query.prefix)))
      return fail(ErrorCode::not_found, "that generation is gone");
    ListPage page;
    if (able.snapshots) page.generation = then != 0 ? then : generation_;
    for (auto& entry : entries_of(leaks ? std::string() : query.prefix, query.delimiter, then)) {
      if (!query.start_after.empty() && entry.info.key <= query.start_after) continue;
      if (query.max_entries == 0) break;
      page.truncated = page.entries.size() == std::min(query.max_entries, largest_page);
      if (page.truncated) break;
      page.entries.push_back(std::move(entry));
    }
    return page;
  }
  // Every key and common prefix below a prefix as they are now, in order.
  std::vector<ListEntry> entries(const std::string& prefix, const std::string& delimiter) const {
    const std::lock_guard guard(mutex_);
    return entries_of(prefix, delimiter, 0);
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
    const std::lock_guard guard(mutex_);
    ++generation_;
    for (const auto& object : publication.add) {
      const auto& staged = dynamic_cast<const Staged&>(*object);
      add(made_of(staged.info(), staged.content));
    }
    for (const auto& key : publication.unlist) unlist(key, publication.readable_until);
    for (const auto& key : publication.remove) rows_.erase(key);
    if (!publication.erases_of.empty()) erased_[publication.erases_of] = generation_;
    return {};
  }
  Result<std::uint64_t> sweep(Timestamp due) override {
    if (failure) return std::unexpected(*failure);
    const std::lock_guard guard(mutex_);
    return std::erase_if(rows_, [&](const auto& each) {
      const Row& row = each.second;
      if (is_listed(row) || row.readable_until > due) return false;
      swept_ = std::max(swept_, row.until);
      return true;
    });
  }
  std::uint64_t generation() const override {
    const std::lock_guard guard(mutex_);
    return able.snapshots ? generation_ : 0;
  }

 private:
  static constexpr auto kStill = std::numeric_limits<std::uint64_t>::max();
  struct Object {
    ObjectInfo info;
    std::string content;
  };
  // Listed as of the generations from `from` on, before `until`.
  struct Row {
    std::shared_ptr<const Object> object{};
    std::uint64_t from = 0, until = kStill;
    Timestamp readable_until{};  // once it is unlisted
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

  static std::shared_ptr<const Object> made_of(ObjectInfo info, std::string content) {
    Md5 md5;
    md5.update(content);
    const auto digest = md5.finish();
    info.size = content.size();
    info.etag = hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
    info.crc32 = crc32(0, content);
    return std::make_shared<const Object>(std::move(info), std::move(content));
  }

  static bool is_listed(const Row& row) { return row.until == kStill; }

  Result<std::shared_ptr<const Object>> find(std::string_view key) const {
    if (failure) return std::unexpected(*failure);
    const std::lock_guard guard(mutex_);
    const auto found = rows_.find(std::string(key));
    if (found == rows_.end() || (!is_listed(found->second) && found->second.readable_until <= time))
      return fail(ErrorCode::not_found, "no object of that key");
    return found->second.object;
  }

  bool holds(const Object& object) const {
    const auto found = find(object.info.key);
    return found && found->get() == &object;
  }

  // The rest under the lock.

  // A replaced key keeps its place in earlier listings.
  void add(std::shared_ptr<const Object> object) {
    Row& row = rows_[object->info.key];
    if (row.object == nullptr || !is_listed(row)) row = {.from = generation_};
    row.object = std::move(object);
  }
  void unlist(const std::string& key, Timestamp readable_until) {
    const auto found = rows_.find(key);
    if (found == rows_.end() || !is_listed(found->second)) return;
    found->second.until = generation_;
    found->second.readable_until = readable_until;
    if (!able.unlisting) rows_.erase(found);
  }
  // The earliest generation as of which what lies below the prefix can be listed.
  std::uint64_t oldest_of(const std::string& prefix) const {
    const auto account = layout::account_in(prefix);
    const auto erased = account ? erased_.find(account->str()) : erased_.end();
    return std::max(swept_, erased == erased_.end() ? 0 : erased->second);
  }
  // As of a generation; 0: now.
  std::vector<ListEntry> entries_of(const std::string& prefix, const std::string& delimiter,
                                    std::uint64_t then) const {
    std::map<std::string, ListEntry> found;
    for (const auto& [key, row] : rows_) {
      const bool shown = then == 0 ? is_listed(row) : row.from <= then && then < row.until;
      if (!shown || !key.starts_with(prefix)) continue;
      const auto end = delimiter.empty() ? std::string::npos : key.find(delimiter, prefix.size());
      ListEntry entry{end != std::string::npos, row.object->info};
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

  mutable std::mutex mutex_;
  std::string bucket_ = "optimizely-events-data";
  std::map<std::string, Row> rows_;
  std::uint64_t generation_ = 1;
  std::uint64_t swept_ = 0;                      // of what was listed before it, some is gone
  std::map<std::string, std::uint64_t> erased_;  // by account
};

}  // namespace valetkey::storage
