// SPDX-License-Identifier: Apache-2.0
// Verifies a data folder's objects: the index's structure; of every row that its data key opens,
// its file is there with the right length, every chunk authenticates, MD5 and CRC-32 are those of
// the row; and that every file has a row. Works while the folder is in use. Reads everything, so it
// takes a while.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/keyring.h"
#include "base/result.h"
#include "base/timestamp.h"
#include "storage/disk_store.h"

namespace valetkey::upkeep {

struct CheckOptions {
  std::size_t workers = 2;
  // Removes files without a row that are older than an hour, under the index's writer lock, and
  // that no running writer has noted. Nothing else is ever changed.
  bool repair = false;
};

struct CheckReport {
  std::uint64_t objects = 0;  // looked at
  std::uint64_t bytes = 0;
  std::uint64_t orphans = 0;          // files without a row
  std::vector<std::string> problems;  // one sentence each, orphans that remain among them
  std::vector<std::string> repaired;  // one sentence each: what was done
  bool clean() const { return problems.empty(); }
};

class CheckProgress {
 public:
  virtual ~CheckProgress() = default;
  // From any worker, one call at a time.
  virtual void advanced(std::uint64_t objects, std::uint64_t bytes) = 0;
};

// An Error only where the look itself was impossible.
Result<CheckReport> check_objects(storage::DiskStore& store, const CheckOptions& options,
                                  Timestamp now, CheckProgress& progress);

// Whether the keyring opens one of the first 100 objects. Nothing: there are none.
Result<std::optional<bool>> is_opened_by(storage::DiskStore& store, const Keyring& keyring);

}  // namespace valetkey::upkeep
