// SPDX-License-Identifier: Apache-2.0
// The seam for parts of an export: one bucket of immutable objects under ordered keys. What every store does is the
// contract below; what only some can do is in Capabilities, and a caller asks for it there. The embedded form is
// disk_store. Synchronous and thread-safe; calls may block unless they say not. Suite:
// testing/conformance.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::layout {
struct PartStatistics;
}

namespace valetkey::storage {

class PartCatalog;

// What a store can do beyond the contract that all share.
struct Capabilities {
  // A listing goes on as of the generation of its first page, and generation() grows with every publish(). Without:
  // both are 0.
  bool snapshots = false;
  // What is unlisted stays readable by key until its time has come. Without: it is removed at once.
  bool unlisting = false;
  // A publication happens whole or not at all. Without: each of its keys does, and when it fails, some may have.
  bool atomic_groups = false;
  // A reader outlives the replacement and the removal of its object. Without: it may fail with `changed`.
  bool lasting_readers = false;
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

struct ObjectInfo {
  std::string key;  // UTF-8, 1 to 1024 bytes, no NUL
  std::uint64_t size = 0;
  std::string etag;  // opaque, other content has another one; the disk store's is the MD5 in hex
  std::optional<std::uint32_t> crc32;  // of the content, where the store knows it
  Timestamp modified;
  std::optional<std::uint64_t> rows;  // of a Parquet part, where the store knows them
};

enum class ReadMode : std::uint8_t { cached_only, blocking };
enum class ReadFailure : std::uint8_t {
  would_block,  // cached_only, and the page is not in memory
  corrupt,      // the stored bytes do not authenticate; logged and counted by the store
  changed,      // the object was replaced or removed since it was opened: begin again
  io,
};

// Reads one object, all bytes of one content. For one thread at a time.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual const ObjectInfo& info() const = 0;
  // The caller will read so many bytes from there on, in order, and probably no others: a store that is far away asks
  // for them at once.
  virtual void expect(std::uint64_t /*offset*/, std::uint64_t /*length*/) {}
  // Fills `out` with bytes from `offset` as far as object and `out` reach; returns how many (0 at
  // the end). One with cached_only may end earlier, after a byte at least. Returns only bytes that authenticated. A
  // multiple of 64 KiB is the cheapest unit.
  virtual Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                                ReadMode mode) = 0;
  // Puts what this reader holds into the calling thread's cache for open_cached(), unless the store
  // has changed since: a caller that had it opened on another thread need not hop again.
  virtual void remember() const {}
};

struct ListQuery {
  std::string prefix;
  std::string delimiter;    // empty: none
  std::string start_after;  // entries (keys and common prefixes) strictly behind it, by UTF-8 bytes
  std::size_t max_entries = 1000;
  // The listing as it was at that generation (of a store with snapshots), so that one who pages while parts are
  // compacted sees every row once; 0: as it is now. `not_found` once that generation's unlisted parts may be gone, and
  // where something of the account below whose prefix it lists was erased since.
  std::uint64_t generation = 0;
};
struct ListEntry {
  bool is_prefix = false;  // then only info.key is set: the common prefix, delimiter included
  ObjectInfo info;
};
struct ListPage {
  std::vector<ListEntry> entries;  // ordered; at most max_entries, common prefixes counted
  bool truncated = false;          // more follow; continue with start_after = last entry's key
  std::uint64_t generation = 0;    // what the page shows; 0: a store without snapshots
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
  // What is known of the rows of a part, to be kept with it; before finish(). A store without a catalog of parts
  // (part_catalog.h) leaves it.
  virtual void describe(const layout::PartStatistics&) {}
  // All is written; durable with the publication. `rows` as for ObjectInfo.
  virtual Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) = 0;
};

inline constexpr std::size_t kMaxPublishedKeys = 1000;

// What one publish() does, durable when it returns. Each key changes at once, and first all are added: a reader never
// sees half an object, nor a moment in which neither the old parts nor the merged one are there. A publication that
// failed may be staged and published again.
struct Publication {
  std::vector<std::unique_ptr<StagedObject>> add;  // a key that exists is replaced
  std::vector<std::string> remove;  // gone at once; one that is not there is no error
  std::vector<std::string> unlist;  // no longer listed, readable by key until `readable_until`
  Timestamp readable_until;
  // Of this account something is erased: listings as of an earlier generation are refused from now on. Empty: of none.
  std::string erases_of = {};
  std::size_t keys() const { return add.size() + remove.size() + unlist.size(); }
};

// `invalid`: UTF-8 of 1 to 1024 bytes without NUL is a key.
Result<void> check_key(std::string_view key);
// `too_large`: more keys than kMaxPublishedKeys.
Result<void> check_size(const Publication& publication);

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual const std::string& bucket() const = 0;
  virtual Capabilities capabilities() const = 0;  // the same for as long as it lives
  // `not_found`. Does not touch the content.
  virtual Result<ObjectInfo> head(std::string_view key) = 0;
  virtual Result<std::unique_ptr<ObjectReader>> open(std::string_view key) = 0;
  // As head/open if the answer is in this thread's memory, else nullopt; never blocks.
  virtual std::optional<Result<std::unique_ptr<ObjectReader>>> open_cached(
      std::string_view key) = 0;
  virtual Result<ListPage> list(const ListQuery& query) = 0;
  virtual Result<std::unique_ptr<ObjectWriter>> create(std::string_view key, Timestamp now) = 0;
  // At most kMaxPublishedKeys in one call, so that nobody else waits.
  virtual Result<void> publish(Publication publication) = 0;
  // Removes unlisted objects whose time has come; how many. Call it every minute or so. Nothing to do
  // without unlisting.
  virtual Result<std::uint64_t> sweep(Timestamp) { return std::uint64_t{0}; }
  // A folder for temporary files of this process, in the clear: wiped by the next one if this one
  // dies. Empty: this store has none.
  virtual std::filesystem::path scratch() const { return {}; }
  // What it knows of parts, as part_catalog.h says; null: nothing. Lives as long as the store.
  virtual PartCatalog* part_catalog() { return nullptr; }
  // With snapshots, grows with every publish(), ours or another process's (seen within a second). Never blocks.
  virtual std::uint64_t generation() const = 0;
};

}  // namespace valetkey::storage
