// SPDX-License-Identifier: Apache-2.0
#include "upkeep/internal/tree_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/encoding.h"
#include "base/xml_text.h"
#include "layout/part_key.h"

namespace valetkey::upkeep {
namespace {

constexpr std::string_view kTop = "v1";
constexpr std::string_view kMetadata = "_iceberg";  // of a type's folder: v1/account_id=…/type=…/
constexpr std::size_t kMaxKeyBytes = 1024;

bool is_account_folder(std::string_view name) {
  return layout::account_in(fmt::format("{}/{}/", kTop, name)).has_value();
}

// A path that may hold anything, as a text for people.
std::string printable(std::string_view path) {
  return is_xml_text(path) && std::ranges::none_of(path, [](char c) { return c >= 0 && c < ' '; })
             ? std::string(path)
             : percent_encode(path, true);
}

struct CloseFolder {
  void operator()(DIR* folder) const { closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

Result<Folder> read_folder(FileDescriptor descriptor, const std::string& name) {
  DIR* folder = fdopendir(descriptor.get());
  if (folder == nullptr) return fail_errno(name);
  (void)descriptor.release();
  return Folder(folder);
}

// The next name but "." and ".."; empty at the end.
Result<std::string> next_name(DIR* folder, const std::string& name) {
  while (true) {
    errno = 0;
    const dirent* entry = readdir(folder);
    if (entry == nullptr && errno != 0) return fail_errno(name);
    if (entry == nullptr) return std::string();
    std::string found = static_cast<const char*>(entry->d_name);
    if (found != "." && found != "..") return found;
  }
}

std::string_view refusal_of(const struct stat& status) {
  if (S_ISLNK(status.st_mode)) return "is a symbolic link, which import does not follow";
  if (!S_ISREG(status.st_mode)) return "is not a regular file";
  return status.st_nlink == 1 ? "" : "has several hard links: import a copy of it";
}

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

Result<Tree> Tree::open(const std::filesystem::path& folder) {
  VALETKEY_TRY(FileDescriptor root, valetkey::open_file(folder, O_RDONLY | O_DIRECTORY));
  Tree tree(std::move(root), folder.string());
  const std::string advice = fmt::format(
      "{} holds no v1/account_id=<digits>/ folder: name the folder above v1", folder.string());
  auto top = tree.open_inside(std::string(kTop), O_RDONLY | O_DIRECTORY);
  if (!top && top.error().code == ErrorCode::not_found) return fail(ErrorCode::invalid, advice);
  if (!top) return std::unexpected(top.error());
  VALETKEY_TRY(const Folder accounts, read_folder(std::move(*top), tree.name_));
  while (true) {
    VALETKEY_TRY(const std::string name, next_name(accounts.get(), tree.name_));
    if (name.empty()) return fail(ErrorCode::invalid, advice);
    if (is_account_folder(name)) return tree;
  }
}

Result<FileDescriptor> Tree::open_inside(const std::string& path, int flags) const {
  FileDescriptor file = open_beneath(root_.get(), path, flags | O_NONBLOCK, Links::refused);
  if (file) return file;
  if (errno == ELOOP || errno == EXDEV)
    return fail(ErrorCode::denied, printable(path) + " leads through a symbolic link");
  return fail_errno(name_ + "/" + printable(path));
}

bool Tree::walk(const Visitor& visitor) const {
  std::vector<std::string> folders = {std::string(kTop)};
  while (!folders.empty()) {
    const std::string path = std::move(folders.back());
    folders.pop_back();
    auto on = walk_folder(path, visitor, folders);
    if (!on)
      visitor.refused(printable(path), std::move(on.error()));
    else if (!*on)
      return false;
  }
  return true;
}

Result<bool> Tree::walk_folder(const std::string& path, const Visitor& visitor,
                               std::vector<std::string>& folders) const {
  VALETKEY_TRY(FileDescriptor descriptor, open_inside(path, O_RDONLY | O_DIRECTORY));
  VALETKEY_TRY(const Folder folder, read_folder(std::move(descriptor), path));
  while (true) {
    VALETKEY_TRY(const std::string name, next_name(folder.get(), path));
    if (name.empty()) return true;
    VALETKEY_TRY(const bool on, visit(dirfd(folder.get()), path, name, visitor, folders));
    if (!on) return false;
  }
}

Result<bool> Tree::visit(int folder, const std::string& path, std::string_view name,
                         const Visitor& visitor, std::vector<std::string>& folders) const {
  std::string key = path + "/" + std::string(name);
  const auto refuse = [&](ErrorCode code, std::string_view why) {
    visitor.refused(printable(key), {code, printable(key) + " " + std::string(why)});
    return true;
  };
  struct stat status{};
  if (fstatat(folder, std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return true;  // gone since the folder was read
    return fail_errno(printable(key));
  }
  if (path == kTop && !(S_ISDIR(status.st_mode) && is_account_folder(name)))
    return refuse(ErrorCode::invalid, "is not a folder account_id=<digits>");
  if (key.size() > kMaxKeyBytes) return refuse(ErrorCode::too_large, "is longer than 1024 bytes");
  if (!is_utf8(name)) return refuse(ErrorCode::invalid, "is not valid UTF-8 (shown %-encoded)");
  if (!is_xml_text(name))
    return refuse(
        ErrorCode::invalid,
        "holds a character that no XML listing can (shown %-encoded): rename it, with the "
        "character written so");
  if (name == kMetadata && std::ranges::count(key, '/') == 3)
    return refuse(ErrorCode::invalid,
                  "lies where tables have their metadata, which the server makes by itself");
  if (S_ISDIR(status.st_mode)) {
    folders.push_back(std::move(key));
    return true;
  }
  if (const auto why = refusal_of(status); !why.empty()) return refuse(ErrorCode::invalid, why);
  return visitor.file(key, static_cast<std::uint64_t>(status.st_size));
}

Result<Tree::File> Tree::open_file(const std::string& key) const {
  VALETKEY_TRY(FileDescriptor descriptor, open_inside(key, O_RDONLY));
  File file{std::move(descriptor), {}, key};
  if (fstat(file.descriptor.get(), &file.status) != 0) return fail_errno(printable(key));
  if (const auto why = refusal_of(file.status); !why.empty())
    return fail(ErrorCode::invalid, printable(key) + " " + std::string(why));
  posix_fadvise(file.descriptor.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  return file;
}

Result<void> Tree::File::check_unchanged() const {
  struct stat now{};
  if (fstat(descriptor.get(), &now) != 0) return fail_errno(name);
  if (now.st_size == status.st_size && now.st_nlink == status.st_nlink &&
      same_time(now.st_mtim, status.st_mtim) && same_time(now.st_ctim, status.st_ctim))
    return {};
  return fail(
      ErrorCode::unavailable,
      printable(name) + " changed while it was read: import again when nobody writes to it");
}

}  // namespace valetkey::upkeep
