// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "base/crypto.h"

namespace valetkey {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this == &other) return *this;
  if (fd_ >= 0) ::close(fd_);
  fd_ = other.release();
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

int FileDescriptor::release() { return std::exchange(fd_, -1); }

Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) return fail_errno("cannot open " + path.string());
  return FileDescriptor(fd);
}

FileDescriptor open_beneath(int folder, const std::string& path, int flags, Links links) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_BENEATH;
  if (links == Links::refused) how.resolve |= RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  constexpr int kAttempts = 1000;
  for (int attempt = 1;; ++attempt) {
    const long fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
    // EAGAIN: something was renamed during the walk of the path.
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN) || attempt == kAttempts)
      return FileDescriptor(static_cast<int>(fd));
  }
}

Result<void> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno("cannot write " + std::string(what));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> read_exactly(int fd, std::uint64_t offset, std::span<char> out,
                          std::string_view what) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + std::string(what));
    if (got == 0) return fail(ErrorCode::corrupt, std::string(what) + " ends too early");
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  VALETKEY_TRY(const FileDescriptor file, open_file(path, O_RDONLY));
  return read_all(file.get(), max_bytes, path.string());
}

Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what) {
  constexpr std::size_t kStep = std::size_t{64} << 10;
  std::string out;
  while (true) {
    const std::size_t had = out.size();
    out.resize(had + std::min(kStep, max_bytes - had + 1));
    const ssize_t got = ::read(fd, out.data() + had, out.size() - had);
    if (got < 0 && errno != EINTR) return fail_errno("cannot read " + std::string(what));
    out.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return out;
    if (out.size() > max_bytes)
      return fail(ErrorCode::too_large,
                  std::string(what) + " is larger than " + std::to_string(max_bytes) + " bytes");
  }
}

Result<void> sync_file(int fd, std::string_view what) {
  if (::fdatasync(fd) != 0) return fail_errno("cannot sync " + std::string(what));
  return {};
}

Result<void> sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.empty() ? "." : path;
  VALETKEY_TRY(const FileDescriptor fd, open_file(folder, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("cannot sync " + folder.string());
  return {};
}

namespace {

Result<void> write_new(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  VALETKEY_TRY(const FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, mode));
  if (::fchmod(file.get(), mode) != 0) return fail_errno("cannot chmod " + path.string());
  VALETKEY_CHECK(write_all(file.get(), bytes, path.string()));
  if (::fsync(file.get()) != 0) return fail_errno("cannot sync " + path.string());
  return {};
}

std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  return path.parent_path() / ("." + path.filename().string() + "." + random_base62(12) + ".tmp");
}

// Writes a temporary file, lets `place` give it its name, and leaves nothing behind on failure.
template <class Place>
Result<void> write_then(const std::filesystem::path& path, std::string_view bytes, unsigned mode,
                        Place place) {
  const std::filesystem::path temporary = temporary_beside(path);
  Result<void> done = write_new(temporary, bytes, mode);
  if (done) done = place(temporary);
  ::unlink(temporary.c_str());  // gone already after a rename
  if (!done) return done;
  return sync_folder(path.parent_path());
}

}  // namespace

Result<void> remove_gently(const std::filesystem::path& path) {
  constexpr off_t kPiece = 4 << 20;  // a millisecond, of a device that frees 64 MiB in ten or more
  constexpr std::chrono::milliseconds kPause{2};
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (::unlink(path.c_str()) != 0)
    return errno == ENOENT ? Result<void>() : fail_errno("cannot remove " + path.string());
  struct stat found = {};
  // Under another name it lives on. Whatever fails from here on, closing gives all of it back.
  if (!file || ::fstat(file.get(), &found) != 0 || found.st_nlink != 0) return {};
  for (off_t size = found.st_size - kPiece; size > 0; size -= kPiece) {
    if (::ftruncate(file.get(), size) != 0) return {};
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view bytes,
                          unsigned mode) {
  return write_then(path, bytes, mode, [&](const auto& temporary) -> Result<void> {
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    return fail_errno("cannot write " + path.string());
  });
}

Result<void> create_file(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  return write_then(path, bytes, mode, [&](const auto& temporary) -> Result<void> {
    if (::link(temporary.c_str(), path.c_str()) == 0) return {};
    return fail_errno("cannot create " + path.string());
  });
}

Result<void> make_folders(const std::filesystem::path& path, unsigned mode) {
  std::filesystem::path so_far;
  for (const auto& part : path) {
    const std::filesystem::path parent = so_far;
    so_far /= part;
    if (so_far.empty()) continue;
    if (::mkdir(so_far.c_str(), mode) == 0) {
      VALETKEY_CHECK(sync_folder(parent));
    } else if (errno != EEXIST) {
      return fail_errno("cannot make the folder " + so_far.string());
    }
  }
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return fail_errno("cannot look at " + path.string());
  if (!S_ISDIR(found.st_mode))
    return fail(ErrorCode::already_exists, path.string() + " exists and is not a folder");
  return {};
}

Result<FileLock> FileLock::acquire(const std::filesystem::path& path) {
  VALETKEY_TRY(FileDescriptor file, open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW));
  int locked = 0;
  do {
    locked = ::flock(file.get(), LOCK_EX | LOCK_NB);
  } while (locked != 0 && errno == EINTR);
  if (locked == 0) return FileLock(std::move(file));
  if (errno == EWOULDBLOCK)
    return fail(ErrorCode::busy, path.string() + " is locked by another process");
  return fail_errno("cannot lock " + path.string());
}

}  // namespace valetkey
