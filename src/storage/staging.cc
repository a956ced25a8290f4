// SPDX-License-Identifier: Apache-2.0
#include "storage/staging.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/crypto.h"
#include "base/log.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

// Held only while folders are made or wiped, so the wait is short.
Result<FileLock> lock_briefly(const fs::path& path) {
  constexpr int kAttempts = 500;
  for (int attempt = 1;; ++attempt) {
    auto lock = FileLock::acquire(path);
    if (lock || lock.error().code != ErrorCode::busy || attempt == kAttempts) return lock;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// The descriptor whose lock says that the process lives; an empty one: another process lives in it.
Result<FileDescriptor> lock_folder(const fs::path& folder) {
  VALETKEY_TRY(FileDescriptor descriptor, open_file(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return descriptor;
  if (errno == EWOULDBLOCK) return FileDescriptor();
  return fail_errno(folder.string());
}

Result<std::vector<fs::directory_entry>> entries_of(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> entries;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    entries.push_back(*entry);
  if (error && error != std::errc::no_such_file_or_directory) {
    errno = error.value();
    return fail_errno(folder.string());
  }
  return entries;
}

Result<void> settle_notes(const fs::path& folder, const Staging::Settle& settle) {
  VALETKEY_TRY(const auto notes, entries_of(folder));
  for (const auto& note : notes) {
    const auto id = ObjectId::parse(note.path().filename().string());
    std::error_code error;
    if (!id || !note.is_symlink(error)) continue;
    const fs::path key = fs::read_symlink(note.path(), error);
    if (!error) VALETKEY_CHECK(settle(*id, key.native()));
  }
  return {};
}

Result<void> wipe_folder(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return {};
  errno = error.value();
  return fail_errno(path.string());
}

Result<void> settle_the_dead(const fs::path& staging, const Staging::Settle& settle) {
  VALETKEY_TRY(const auto entries, entries_of(staging));
  for (const auto& entry : entries) {
    std::error_code error;
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      VALETKEY_TRY(const FileDescriptor lock, lock_folder(entry.path()));
      if (!lock) continue;
      VALETKEY_CHECK(settle_notes(entry.path(), settle));
    }
    VALETKEY_CHECK(wipe_folder(entry.path()));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Staging>> Staging::open(const fs::path& data_folder, const Settle& settle) {
  const fs::path staging = data_folder / "staging";
  VALETKEY_CHECK(make_folders(staging, 0700));
  VALETKEY_TRY(const FileLock lock, lock_briefly(data_folder / "staging.lock"));
  VALETKEY_CHECK(settle_the_dead(staging, settle));
  const fs::path own = staging / random_base62(16);
  if (mkdir(own.c_str(), 0700) != 0) return fail_errno(own.string());
  VALETKEY_TRY(FileDescriptor own_lock, lock_folder(own));
  return std::unique_ptr<Staging>(new Staging(own, std::move(own_lock)));
}

Staging::~Staging() {
  // Notes stay where a commit is undecided; the next to open the folder settles them.
  const auto entries = entries_of(folder_);
  bool notes_remain = false;
  for (const auto& entry : entries ? *entries : std::vector<fs::directory_entry>()) {
    if (ObjectId::parse(entry.path().filename().string()))
      notes_remain = true;
    else
      (void)wipe_folder(entry.path());
  }
  if (!notes_remain) rmdir(folder_.c_str());
}

Result<void> Staging::note(const ObjectId& id, std::string_view key) const {
  const fs::path path = folder_ / id.str();
  if (symlink(std::string(key).c_str(), path.c_str()) == 0 || errno == EEXIST) return {};
  return fail_errno(path.string());
}

void Staging::forget(const ObjectId& id) const {
  const fs::path path = folder_ / id.str();
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    log::warn("storage", "A note could not be removed",
              {{"note", path.string()}, {"error", fail_errno("unlink").error().detail}});
}

Result<std::vector<ObjectId>> Staging::noted(const fs::path& data_folder) {
  VALETKEY_TRY(const auto folders, entries_of(data_folder / "staging"));
  std::vector<ObjectId> ids;
  for (const auto& folder : folders) {
    VALETKEY_TRY(const auto notes, entries_of(folder.path()));
    for (const auto& note : notes)
      if (const auto id = ObjectId::parse(note.path().filename().string())) ids.push_back(*id);
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace valetkey::storage
