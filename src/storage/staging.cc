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
#include <iterator>
#include <thread>

#include "base/crypto.h"

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

// What an earlier program left: a note was a symbolic link, called <object id>, to the key.
Result<std::vector<Note>> linked_notes(const fs::path& folder) {
  VALETKEY_TRY(const auto entries, entries_of(folder));
  std::vector<Note> notes;
  for (const auto& entry : entries) {
    const auto id = ObjectId::parse(entry.path().filename().string());
    std::error_code error;
    if (!id || !entry.is_symlink(error)) continue;
    const fs::path key = fs::read_symlink(entry.path(), error);
    if (!error) notes.push_back({*id, key.native()});
  }
  return notes;
}

Result<std::vector<Note>> notes_of(const fs::path& folder) {
  VALETKEY_TRY(auto notes, linked_notes(folder));
  VALETKEY_TRY(auto more, Notes::read(folder));
  std::ranges::move(more, std::back_inserter(notes));
  return notes;
}

Result<void> settle_notes(const fs::path& folder, const Staging::Settle& settle) {
  VALETKEY_TRY(const auto notes, notes_of(folder));
  for (const Note& note : notes) VALETKEY_CHECK(settle(note.id, note.key));
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
  const bool notes_remain = !notes_.empty();
  const auto entries = entries_of(folder_);
  for (const auto& entry : entries ? *entries : std::vector<fs::directory_entry>())
    if (!notes_remain || !Notes::is_file_of_notes(entry.path())) (void)wipe_folder(entry.path());
  if (!notes_remain) rmdir(folder_.c_str());
}

Result<std::vector<ObjectId>> Staging::noted(const fs::path& data_folder) {
  VALETKEY_TRY(const auto folders, entries_of(data_folder / "staging"));
  std::vector<ObjectId> ids;
  for (const auto& folder : folders) {
    VALETKEY_TRY(const auto notes, notes_of(folder.path()));
    for (const Note& note : notes) ids.push_back(note.id);
  }
  std::ranges::sort(ids);
  return ids;
}

}  // namespace valetkey::storage
