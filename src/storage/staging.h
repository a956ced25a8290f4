// SPDX-License-Identifier: Apache-2.0
// DIR/staging: what is not yet, or no longer, reachable. Every process works in a folder of its own
// there (0700, locked while it lives). For each object file that the index does not name it holds a
// note (storage/notes.h). A process that dies leaves its notes, and the next process
// that opens the data folder settles them: an id that the index does not name loses its file. Notes
// are made before the file and go after it, so a file without a row always has one.
// Thread-safe.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "storage/notes.h"
#include "storage/object_id.h"

namespace valetkey::storage {

class Staging {
 public:
  using Settle = std::function<Result<void>(const ObjectId& id, std::string_view key)>;

  // Settles and wipes what dead processes left, then makes this process's folder.
  static Result<std::unique_ptr<Staging>> open(const std::filesystem::path& data_folder,
                                               const Settle& settle);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();  // removes the folder with what is in it, but for notes that remain

  // For this process's temporary files; they must be sealed.
  const std::filesystem::path& folder() const { return folder_; }
  Result<void> note(const ObjectId& id, std::string_view key) { return notes_.add(id, key); }
  void forget(const ObjectId& id) { notes_.remove(id); }
  // Of all processes, sorted.
  static Result<std::vector<ObjectId>> noted(const std::filesystem::path& data_folder);

 private:
  Staging(std::filesystem::path folder, FileDescriptor lock)
      : folder_(std::move(folder)), lock_(std::move(lock)), notes_(folder_) {}
  std::filesystem::path folder_;
  FileDescriptor lock_;
  Notes notes_;
};

}  // namespace valetkey::storage
