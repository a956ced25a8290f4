// SPDX-License-Identifier: Apache-2.0
// The folder that mirrors an export. Nothing is written outside it, whatever the endpoint calls its
// objects; a file appears under its name only when it is whole. One process at a time; one thread.
// State: `.valetkey/state`, one line an object: ETag, size, time of change in ns, name (escaped).
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/keyed_hash.h"
#include "client/fetch.h"

namespace valetkey::client {

// `invalid` for a name that could leave the folder or cannot be a file in it: absolute, with empty
// or dot components, NUL, too long, or below `.valetkey`.
Result<void> check_name(std::string_view name);

// MD5 of all bytes of an open file, 32 hex digits; errors call it `what`.
Result<std::string> md5_of_file(int fd, std::string_view what);

class Folder final : public FetchTarget {
 public:
  // Makes it where it is missing, locks it (`busy`), removes what an interrupted run left
  // unfinished. `source` says whose data it holds; a folder that holds another's is
  // `already_exists`.
  static Result<std::unique_ptr<Folder>> open(const std::filesystem::path& path,
                                              const std::string& source);

  // The same to look only: nothing is made, locked, removed or written, and a folder that is not
  // there is an empty one. create_partial(), commit(), remove() and finish() must not be called.
  static Result<std::unique_ptr<Folder>> look(const std::filesystem::path& path,
                                              const std::string& source);

  // Whether the file is the listed object: as it was brought, or by its content's MD5.
  Result<bool> holds(const ListedObject& object);
  // Where the file system can, an unfinished file is in that name's folder, so that the files of a
  // large sync are not all made in one place, and has no name, so that nothing is left of it when
  // the process ends.
  Result<Partial> create_partial(const std::string& name) override;
  Result<void> commit(Partial& partial, const ListedObject& object) override;
  void discard(Partial& partial) override;
  // As on a file system that has no files without names.
  void name_partials() { unnamed_ = false; }
  Result<void> remove(const std::string& name);
  // Every object that was brought here, also where its file has gone meanwhile.
  std::vector<ListedObject> brought() const;
  // The object is no longer to be found here: as remove() where its file has gone.
  void forget(const std::string& name);
  // Names of all files below folders called `type=…` that begin with `prefix`.
  Result<std::vector<std::string>> files(const std::string& prefix) const;

  // Makes everything durable with one syncfs, then writes down what is here.
  Result<void> finish();

 private:
  struct Known {
    std::string etag;
    std::uint64_t size = 0;
    std::int64_t changed_ns = 0;
  };
  Folder(std::filesystem::path path, FileDescriptor root, std::optional<FileLock> lock)
      : path_(std::move(path)), root_(std::move(root)), lock_(std::move(lock)) {}
  Result<void> read_state(const std::string& source);
  Result<FileDescriptor> open_inside(const std::string& name, int flags) const;
  std::unexpected<Error> obstacle(const std::string& name, const Error& otherwise) const;
  Result<int> parent_of(const std::string& name, bool make);
  Result<void> note(const ListedObject& object, int file);
  std::string shown(const std::string& name) const { return (path_ / name).string(); }

  std::filesystem::path path_;
  FileDescriptor root_;           // empty: there is no folder
  std::optional<FileLock> lock_;  // none: to look only
  std::string source_;
  NameMap<Known> known_;
  bool unnamed_ = true;
  std::uint64_t next_partial_ = 0;
  FileDescriptor partial_;           // the folder of unfinished files
  NameMap<FileDescriptor> parents_;  // the last few, by name
  bool changed_ = false;
};

}  // namespace valetkey::client
