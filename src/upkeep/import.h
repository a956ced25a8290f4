// SPDX-License-Identifier: Apache-2.0
// Imports a tree of files that holds v1/account_id=<digits>/… into an object store. Idempotent and
// resumable: what is there with the same key, size and MD5 stays; modification times are never
// trusted. Publishes as it goes, so that a crash loses little. Memory does not depend on sizes.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "layout/part_statistics.h"
#include "storage/object_store.h"

namespace valetkey::upkeep {

// Reads exactly the span's size at an offset of the file.
using ReadAt = std::function<Result<void>(std::uint64_t offset, std::span<char> out)>;
// The statistics of a Parquet file that lies under `key`.
using ReadPart = std::function<Result<layout::PartStatistics>(
    const std::string& key, std::uint64_t size, const ReadAt& read_at)>;

struct ImportOptions {
  std::filesystem::path folder;
  std::size_t workers = 0;  // 0: one a processor
  // Of what ends in .parquet; a file it fails on is refused. Empty: nothing is read.
  ReadPart read_part;
  const std::atomic<bool>* stop = nullptr;  // true: ends soon, with what is ready published
};

struct ImportTotals {
  std::uint64_t files = 0;  // found
  std::uint64_t bytes = 0;
  std::uint64_t files_done = 0;
  std::uint64_t bytes_done = 0;
};

// Progress is reported from any worker, one call at a time.
class ImportProgress {
 public:
  virtual ~ImportProgress() = default;
  virtual void advanced(const ImportTotals& totals) = 0;
  virtual void refused(const std::string& path, const Error& error) = 0;
};

// What an account's files hold, those that were there already included.
struct ImportedAccount {
  std::set<std::string> days;  // "2020-09-14"
  std::uint64_t files = 0;
  std::uint64_t rows = 0;
};

struct ImportSummary {
  std::map<std::string, ImportedAccount> accounts;  // by id, of files that were taken
  std::uint64_t added = 0;
  std::uint64_t replaced = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t bytes = 0;             // written
  std::uint64_t not_microseconds = 0;  // parts, written, whose timestamps are something else
  std::uint64_t refused = 0;           // files and folders that were not imported
  std::vector<Error> reasons;          // of the first hundred of them
  bool stopped = false;
  bool complete() const { return refused == 0 && !stopped; }
  std::string str() const;  // one sentence
};

// An Error is what ended the import as a whole: a full disk, a store that fails, a tree that is
// none. Even then all that was published stays. Otherwise look at complete().
Result<ImportSummary> import_tree(storage::ObjectStore& store, const Clock& clock,
                                  const ImportOptions& options, ImportProgress& progress);

}  // namespace valetkey::upkeep
