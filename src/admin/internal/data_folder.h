// SPDX-License-Identifier: Apache-2.0
// Where a data folder may come to be, and copies of the small files in one.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace valetkey::admin {

// In a data folder that `restore` has begun and not finished.
inline constexpr const char* kRestoreMarker = "restore.incomplete";

// The folder's name among those that share a PostgreSQL, in a folder whose accounts are there.
inline constexpr const char* kNodeId = "node.id";

// Which keyring is the folder's: admin/internal/keyring_binding.h.
inline constexpr const char* kKeyringId = "keyring.id";

// Where the event log's segments lie.
std::filesystem::path events_folder(const std::filesystem::path& data_dir);
// Also through links, and where neither is there yet.
bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder);
bool is_backup(const std::filesystem::path& folder);
// Missing, or empty but for a configuration, so that nothing of anyone is mixed with ours.
Result<void> need_empty(const std::filesystem::path& folder);
// Makes it where needed; mode 0700.
Result<void> make_private(const std::filesystem::path& folder);
// A durable copy, mode 0600. `already_exists`.
Result<void> copy_durably(const std::filesystem::path& from, const std::filesystem::path& to);
// The same of every regular file directly in `from`; a folder that is missing is empty.
Result<void> copy_files_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace valetkey::admin
