// SPDX-License-Identifier: Apache-2.0
// Walks a foreign folder without ever leaving it: every folder and file is opened with
// open_beneath(), which refuses links, so that neither a link nor a rename underfoot
// leads elsewhere. Memory follows the number of folders on the way, not of files. Thread-safe.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace valetkey::upkeep {

class Tree {
 public:
  // `not_found`, `denied`; `invalid` without a folder v1/account_id=<digits>.
  static Result<Tree> open(const std::filesystem::path& folder);

  struct Visitor {
    // A regular file: its path below the folder, which is its key, and its size. False ends the
    // walk.
    std::function<bool(const std::string& key, std::uint64_t size)> file;
    // What cannot be imported, and why, in one sentence.
    std::function<void(const std::string& path, Error error)> refused;
  };
  // All below v1/account_id=<digits>/, in no order. False: the visitor ended it.
  bool walk(const Visitor& visitor) const;

  struct File {
    FileDescriptor descriptor;
    struct stat status{};
    std::string name;  // for errors
    // `unavailable` if the file is not what it was when it was opened.
    Result<void> check_unchanged() const;
  };
  // A regular file with one link.
  Result<File> open_file(const std::string& key) const;

 private:
  Tree(FileDescriptor root, std::string name) : root_(std::move(root)), name_(std::move(name)) {}
  Result<FileDescriptor> open_inside(const std::string& path, int flags) const;
  Result<bool> walk_folder(const std::string& path, const Visitor& visitor,
                           std::vector<std::string>& folders) const;
  Result<bool> visit(int folder, const std::string& path, std::string_view name,
                     const Visitor& visitor, std::vector<std::string>& folders) const;

  FileDescriptor root_;
  std::string name_;
};

}  // namespace valetkey::upkeep
