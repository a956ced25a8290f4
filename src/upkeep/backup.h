// SPDX-License-Identifier: Apache-2.0
// The objects' half of backup and restore. A backup is a folder with objects.db and objects/, the
// files hard links to the live ones (copies on another file system): they are immutable. It can be
// taken while the store is in use. The keyring is not in it and is worth nothing without it: keep
// it elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/result.h"
#include "storage/disk_store.h"

namespace valetkey::upkeep {

struct BackupSummary {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;   // of plain content
  std::uint64_t copied = 0;  // files that could not be linked
};

// `to` is made; `already_exists` if it holds objects. Not complete, and useless, unless it
// succeeds. What is replaced while it is taken enters with its newer content.
Result<BackupSummary> backup_objects(storage::DiskStore& store, const std::filesystem::path& to);
// Puts the objects of a backup into a data folder that has none (`already_exists`). objects.db
// comes last, so that a restore which was interrupted can simply be repeated. `corrupt` names what
// the backup lacks.
Result<BackupSummary> restore_objects(const std::filesystem::path& from,
                                      const std::filesystem::path& data_folder);

}  // namespace valetkey::upkeep
