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

// A secret of Kubernetes is a link, which root made. One that another user made may lead anywhere.
Result<void> check_link(const std::filesystem::path& path) {
  struct stat found = {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISLNK(found.st_mode)) return {};
  if (found.st_uid == 0 || found.st_uid == ::geteuid()) return {};
  return fail(
      ErrorCode::denied,
      fmt::format("the keyring {} is a symbolic link that user {} made; name the file itself",
                  path.string(), found.st_uid));
}

Result<FileDescriptor> open_private(const std::filesystem::path& path) {
  VALETKEY_CHECK(check_link(path));
  // O_NONBLOCK: opening a pipe by mistake must not wait for a writer.
  auto file = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!file && file.error().code == ErrorCode::not_found)
    return fail(
        ErrorCode::not_found,
        fmt::format("there is no keyring at {}; restore it from its backup, or name it with "
                    "--keyring",
                    path.string()));
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
  // Root may let the server's group read a file of root's: so systemd and Kubernetes hand it over.
  const bool from_root = found.st_uid == 0 && ::geteuid() != 0;
  if ((found.st_mode & (from_root ? 0137U : 0177U)) != 0)
    return fail(ErrorCode::denied,
                fmt::format("the keyring {} has mode {:o}; run chmod {} {}", path.string(),
                            found.st_mode & 07777U, from_root ? "440" : "600", path.string()));
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
  if (replace && std::filesystem::is_symlink(path))
    return fail(
        ErrorCode::denied,
        fmt::format("the keyring {} is a symbolic link, which a new file would replace; change "
                    "the file that it leads to, or a copy that you hand over afterwards",
                    path.string()));
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
