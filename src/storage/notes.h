// SPDX-License-Identifier: Apache-2.0
// What one process may leave behind: an object id and its key for each file that the index does not
// name. An append-only file in the process's own folder, so that a note costs one write and no
// inode (with a symbolic link each, creating the links took a third of an export's time). A note
// only says "look": settling it asks the index, so a note too many does no harm, and none is ever
// struck out. Once most are stale the rest moves to a new file. Thread-safe. docs/formats.md,
// "Staging".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "storage/object_id.h"

namespace valetkey::storage {

struct Note {
  ObjectId id;
  std::string key;
  friend bool operator==(const Note&, const Note&) = default;
};

// As a file holds it.
std::string encode_note(const ObjectId& id, std::string_view key);
// As far as they are whole: the last one may have been cut short by a kill, and then its file was
// never made.
std::vector<Note> parse_notes(std::string_view bytes);

class Notes {
 public:
  static constexpr std::size_t kFileBytes = std::size_t{1} << 20;

  // In `folder`, which exists. Nothing is made before the first note.
  explicit Notes(std::filesystem::path folder, std::size_t file_bytes = kFileBytes)
      : folder_(std::move(folder)), file_bytes_(file_bytes) {}

  // Every look from now on sees it, until remove().
  Result<void> add(const ObjectId& id, std::string_view key);
  void remove(const ObjectId& id);
  bool empty() const;

  // Of the process that works in `folder`, which may go on meanwhile, or is dead. None if there is
  // no folder.
  static Result<std::vector<Note>> read(const std::filesystem::path& folder);
  static bool is_file_of_notes(const std::filesystem::path& path);

 private:
  bool is_room() const;
  Result<void> begin_file();

  std::filesystem::path folder_;
  std::size_t file_bytes_;
  mutable std::mutex mutex_;  // of all below
  std::map<ObjectId, std::string> live_;
  std::size_t live_bytes_ = 0;
  FileDescriptor file_;  // empty: none yet, or its end is not to be trusted
  std::filesystem::path path_;
  std::size_t size_ = 0;
  std::uint64_t next_name_ = 0;
};

}  // namespace valetkey::storage
