// SPDX-License-Identifier: Apache-2.0
// The few file operations whose failures and durability matter. Synchronous; every error names the
// path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey {

// Owns a descriptor; closes it when it goes.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  ~FileDescriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC.
Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags,
                                 unsigned mode = 0600);
// Symbolic links on the way: followed where they stay within the folder, or not at all.
enum class Links : std::uint8_t { within, refused };
// Opens what `path` names below an open folder, with O_CLOEXEC; it makes nothing. Nothing that is
// linked or renamed meanwhile leads out of the folder. Empty, with errno, where it fails: EXDEV for
// a path that leads out, ELOOP for one that leads through a link where links are refused.
FileDescriptor open_beneath(int folder, const std::string& path, int flags, Links links);
Result<void> write_all(int fd, std::string_view bytes, std::string_view what);
// Exactly out.size() bytes at `offset`, or `corrupt` if the file ends before.
Result<void> read_exactly(int fd, std::uint64_t offset, std::span<char> out, std::string_view what);
// All that is left of the file; `too_large` beyond max_bytes.
Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what);
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);
Result<void> sync_file(int fd, std::string_view what);  // fdatasync
Result<void> sync_folder(const std::filesystem::path& path);
// Writes a temporary file beside `path`, fsyncs, renames over it, fsyncs the folder.
Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                          unsigned mode = 0600);
// The same for a file that must not exist yet: `already_exists`, and nothing is changed.
Result<void> create_file(const std::filesystem::path& path, std::string_view bytes,
                         unsigned mode = 0600);
// Unlinks a file that nobody reads any more, and gives its space back in pieces with pauses between
// them: a device that gets freed blocks (mount option `discard`) works them off before the
// next fdatasync, and a large file would hold that up. Nothing is done if there is no such file.
Result<void> remove_gently(const std::filesystem::path& path);
// mkdir -p; a folder it makes has `mode`.
Result<void> make_folders(const std::filesystem::path& path, unsigned mode = 0700);

// An exclusive advisory lock on a file, held while the object lives. `busy` if another holds it.
class FileLock {
 public:
  static Result<FileLock> acquire(const std::filesystem::path& path);

 private:
  explicit FileLock(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

}  // namespace valetkey
