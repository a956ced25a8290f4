// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/keyring.h"

namespace valetkey {
namespace {

constexpr std::size_t kMaxKeyringBytes = std::size_t{4} << 20;

Result<FileDescriptor> open_private(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a pipe by mistake must not wait for a writer.
  auto file = open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (file) return file;
  if (file.error().code == ErrorCode::not_found)
    return fail(
        ErrorCode::not_found,
        fmt::format("there is no keyring at {}; restore it from its backup, or name it with "
                    "--keyring",
                    path.string()));
  struct stat found = {};
  if (::lstat(path.c_str(), &found) == 0 && S_ISLNK(found.st_mode))
    return fail(
        ErrorCode::denied,
        fmt::format("the keyring {} is a symbolic link; name the file itself", path.string()));
  return file;
}

// Looks at the opened descriptor, so that nothing can be exchanged between the look and the read.
Result<void> require_private(int fd, const std::filesystem::path& path) {
  struct stat found = {};
  if (::fstat(fd, &found) != 0) return fail_errno("cannot look at " + path.string());
  if (!S_ISREG(found.st_mode))
    return fail(ErrorCode::denied, fmt::format("the keyring {} is not a file", path.string()));
  if (found.st_uid != ::geteuid() && found.st_uid != 0)
    return fail(ErrorCode::denied,
                fmt::format("the keyring {} belongs to user {}; run chown {} {}", path.string(),
                            found.st_uid, ::geteuid(), path.string()));
  if ((found.st_mode & 0177U) != 0)
    return fail(ErrorCode::denied,
                fmt::format("the keyring {} has mode {:o}; run chmod 600 {}", path.string(),
                            found.st_mode & 07777U, path.string()));
  return {};
}

}  // namespace

Result<Keyring> read_keyring(const std::filesystem::path& path) {
  VALETKEY_TRY(const FileDescriptor file, open_private(path));
  VALETKEY_CHECK(require_private(file.get(), path));
  VALETKEY_TRY(std::string bytes, read_all(file.get(), kMaxKeyringBytes, path.string()));
  const Secret text(std::move(bytes));
  auto keyring = Keyring::parse(text.reveal());
  if (!keyring)
    return fail(keyring.error().code, path.string() + ": " + std::move(keyring.error().detail));
  return keyring;
}

Result<void> write_keyring(const std::filesystem::path& path, const Keyring& keyring,
                           bool replace) {
  const Secret text = keyring.serialize();
  return replace ? replace_file(path, text.reveal(), 0600) : create_file(path, text.reveal(), 0600);
}

Result<std::unique_ptr<FileKeySource>> FileKeySource::open(std::filesystem::path path) {
  std::unique_ptr<FileKeySource> source(new FileKeySource(std::move(path)));
  VALETKEY_CHECK(source->reload());
  return source;
}

std::shared_ptr<const Keyring> FileKeySource::get() const {
  const std::lock_guard lock(mutex_);
  return keyring_;
}

Result<void> FileKeySource::reload() {
  VALETKEY_TRY(Keyring read, read_keyring(path_));
  auto fresh = std::make_shared<const Keyring>(std::move(read));
  const std::lock_guard lock(mutex_);
  // The same keys stay the same object: caches that hold it need not start anew at every look.
  if (keyring_ && keyring_->serialize() == fresh->serialize()) return {};
  if (keyring_ && !fresh->continues(*keyring_))
    return fail(ErrorCode::denied,
                fmt::format("{} is another keyring than the one read before; put that one back",
                            path_.string()));
  keyring_ = std::move(fresh);
  return {};
}

}  // namespace valetkey
