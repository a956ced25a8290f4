// SPDX-License-Identifier: Apache-2.0
// The seam for parts of an export: one bucket of immutable objects under ordered keys.
// The implementation is disk_store. Synchronous and thread-safe; calls may
// block unless they say not.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::storage {

struct ObjectInfo {
  std::string key;  // UTF-8, 1 to 1024 bytes, no NUL
  std::uint64_t size = 0;
  std::string etag;  // 32 hex digits: the MD5 of the content
  std::uint32_t crc32 = 0;
  Timestamp modified;
  std::optional<std::uint64_t> rows;  // of a Parquet part, where they were counted
};

enum class ReadMode : std::uint8_t { cached_only, blocking };
enum class ReadFailure : std::uint8_t {
  would_block,  // cached_only, and the page is not in memory
  corrupt,      // the stored bytes do not authenticate; logged and counted by the store
  io,
};

// Reads one object. For one thread at a time. The object stays readable while the reader lives,
// even if it is replaced or deleted meanwhile.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual const ObjectInfo& info() const = 0;
  // Fills `out` with bytes from `offset` as far as object and `out` reach; returns how many (0 at
  // the end). Returns only bytes that authenticated. A multiple of 64 KiB is the cheapest unit.
  virtual Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                ReadMode mode) = 0;
  // Tells the calling thread's open_cached() what this reader knows, unless the store has changed
  // since: whoever had it opened on another thread need not hop again.
  virtual void remember() const {}
};

struct ListQuery {
  std::string prefix;
  std::string delimiter;    // empty: none
  std::string start_after;  // entries (keys and common prefixes) strictly behind it, by UTF-8 bytes
  std::size_t max_entries = 1000;
  // The listing as it was at that generation, so that one who pages while parts are compacted sees
  // every row once; 0: as it is now. `not_found` once that generation's unlisted parts may be gone.
  std::uint64_t generation = 0;
};
struct ListEntry {
  bool is_prefix = false;  // then only info.key is set: the common prefix, delimiter included
  ObjectInfo info;
};
struct ListPage {
  std::vector<ListEntry> entries;  // ordered; at most max_entries, common prefixes counted
  bool truncated = false;          // more follow; continue with start_after = last entry's key
  std::uint64_t generation = 0;    // what the page shows
};

// A written, not yet visible object.
class StagedObject {
 public:
  virtual ~StagedObject() = default;  // not published: its bytes are removed
  virtual const ObjectInfo& info() const = 0;
};

class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;  // not finished: nothing remains
  virtual Result<void> write(std::string_view bytes) = 0;
  // All is written; durable with the publication. `rows` as for ObjectInfo.
  virtual Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) = 0;
};

// What one publish() does, all or nothing, durable when it returns.
struct Publication {
  std::vector<std::unique_ptr<StagedObject>> add;  // a key that exists is replaced
  std::vector<std::string> remove;                 // gone at once
  std::vector<std::string> unlist;  // no longer listed, readable by key until `readable_until`
  Timestamp readable_until;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual const std::string& bucket() const = 0;
  // `not_found`. Does not touch the content.
  virtual Result<ObjectInfo> head(std::string_view key) = 0;
  virtual Result<std::unique_ptr<ObjectReader>> open(std::string_view key) = 0;
  // As head/open if the answer is in this thread's memory, else nullopt; never blocks.
  virtual std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(
      std::string_view key) = 0;
  virtual Result<ListPage> list(const ListQuery& query) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) = 0;
  // At most 1,000 keys in one call, so that nobody else waits.
  virtual Result<void> publish(Publication publication) = 0;
  // Grows with every publish(), ours or another process's (seen within a second). Never blocks.
  virtual std::uint64_t generation() const = 0;
};

}  // namespace valetkey::storage
