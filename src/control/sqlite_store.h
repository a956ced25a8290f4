// SPDX-License-Identifier: Apache-2.0
// The embedded control store: one SQLite file, control.db (WAL, synchronous=FULL, foreign keys on),
// one connection per thread, one writer at a time with a busy time-out. Several processes may share
// it.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "control/control_store.h"

namespace valetkey::control {

// Creates and migrates as needed. A file written by a newer version is `unavailable` and left
// alone. `lock_wait`: how long a writer waits for others; 0: as long as usual.
Result<std::unique_ptr<ControlStore>> open_sqlite_store(const std::filesystem::path& file,
                                                        std::chrono::milliseconds lock_wait = {});
// A consistent copy of a live file (VACUUM INTO), fsynced. `already_exists`.
Result<void> backup_sqlite_store(const std::filesystem::path& file,
                                 const std::filesystem::path& destination);
// SQLite's own look at the structure, the constraints and the foreign keys of a file, which may be
// in use. `corrupt` names the first thing that is wrong.
Result<std::vector<std::string>> check_sqlite_store(const std::filesystem::path& file);

}  // namespace valetkey::control
