// SPDX-License-Identifier: Apache-2.0
// The parts of an account as the files of its tables: which there are in a generation, with what is known of their rows.
// ObjectStore::part_catalog() gives it; only a store with snapshots can have it. Thread-safe; every call blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "layout/part_key.h"
#include "layout/part_statistics.h"
#include "storage/object_store.h"

namespace valetkey::storage {

// A day of one type that has parts.
struct CatalogDay {
  layout::DayFolder folder;
  std::uint64_t parts = 0;
  std::uint64_t rows = 0;  // of the parts whose rows were counted
  std::uint64_t bytes = 0;
  std::uint64_t changed =
      0;  // the generation that last changed what is listed of it, or known of its parts
};

struct Catalog {
  std::uint64_t generation = 0;  // of all below
  // Older ones may not be shown any more: parts of theirs are gone, or held what was erased since.
  std::uint64_t oldest_generation = 0;
  std::vector<CatalogDay> days;  // by type, then day
};

// The first listed part of each kind that not every reader can have; empty: there is none.
struct UnreadyParts {
  std::string unread;        // published without statistics, and not read since
  std::string unreadable;    // its footer cannot be read
  std::string milliseconds;  // its timestamps are not microseconds
};

struct CatalogPart {
  ObjectInfo info;
  std::optional<layout::PartStatistics>
      statistics;  // none: not read yet, or the file cannot be read
};
struct CatalogPage {
  std::vector<CatalogPart> parts;  // by key
  bool truncated = false;          // go on behind the last key
};

// What reading a part's footer told; none: it cannot be read.
struct ReadPart {
  std::string key;
  std::string etag;  // of what was read: another content is left alone
  std::optional<layout::PartStatistics> statistics;
};

class PartCatalog {
 public:
  virtual ~PartCatalog() = default;
  virtual Result<Catalog> catalog(const AccountId& account) = 0;
  virtual Result<UnreadyParts> unready_parts(const AccountId& account, layout::RowType type) = 0;
  // The parts below `prefix` (which lies in the account's folder) behind the key `after`, as of that generation.
  // `not_found` if it is older than the account's oldest_generation, or newer than there are.
  virtual Result<CatalogPage> list_parts(const AccountId& account, const std::string& prefix,
                                         const std::string& after, std::size_t limit,
                                         std::uint64_t generation) = 0;

  // Parts of all accounts that were published without statistics: of an import, or by an earlier program.
  virtual Result<std::vector<ObjectInfo>> unread_parts(std::size_t limit) = 0;
  // Keeps what was read of them, which is a new generation of their days.
  virtual Result<void> describe(const std::vector<ReadPart>& parts) = 0;
  // Parts, listed ones, whose timestamps are not microseconds, behind `after`; of all accounts.
  virtual Result<std::vector<ObjectInfo>> parts_without_microseconds(const std::string& after,
                                                                     std::size_t limit) = 0;
  // How many listed ones there are.
  virtual Result<std::uint64_t> count_without_microseconds() = 0;
};

}  // namespace valetkey::storage
