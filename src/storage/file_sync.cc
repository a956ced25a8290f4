// SPDX-License-Identifier: Apache-2.0
#include "storage/file_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

namespace valetkey::storage {
namespace {

Result<void> sync_each(const std::vector<WrittenFile>& files) {
  std::set<std::filesystem::path> folders;
  for (const auto& file : files) {
    folders.insert(file.path.parent_path());
    if (file.synced) continue;
    VALETKEY_TRY(const FileDescriptor descriptor, open_file(file.path, O_RDONLY));
    VALETKEY_CHECK(sync_file(descriptor.get(), file.path.string()));
  }
  for (const auto& folder : folders) VALETKEY_CHECK(sync_folder(folder));
  return {};
}

}  // namespace

Result<std::unique_ptr<FileSync>> DiskFileSync::open(const std::filesystem::path& objects) {
  VALETKEY_TRY(FileDescriptor folder, open_file(objects, O_RDONLY | O_DIRECTORY));
  return std::unique_ptr<FileSync>(new DiskFileSync(objects, std::move(folder)));
}

Result<void> DiskFileSync::sync(const std::vector<WrittenFile>& files, std::uint64_t since) {
  const auto unsynced = std::ranges::count(files, false, &WrittenFile::synced);
  VALETKEY_CHECK(static_cast<std::size_t>(unsynced) > kFew ? sync_all() : sync_each(files));
  if (failures() == since) return {};
  return fail(ErrorCode::io, objects_.string() + ": the disk lost writes; they are to be repeated");
}

Result<void> DiskFileSync::sync_all() {
  const std::lock_guard lock(mutex_);
  // The second, for ext4 without a journal: it writes the folders after the device's cache is
  // flushed.
  if (syncfs(folder_.get()) == 0 && fsync(folder_.get()) == 0) return {};
  auto failure = fail_errno("cannot sync " + objects_.string());
  failures_.fetch_add(1);
  return failure;
}

}  // namespace valetkey::storage
