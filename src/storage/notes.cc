// SPDX-License-Identifier: Apache-2.0
#include "storage/notes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/crypto.h"
#include "base/log.h"
#include "storage/internal/big_endian.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "VKNOTES1";
constexpr std::string_view kNamePrefix = "notes-";
constexpr std::size_t kIdBytes = 16;
constexpr std::size_t kHeadBytes = 2 + kIdBytes;  // length of the key, id
constexpr std::size_t kCrcBytes = 4;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

std::size_t encoded_size(std::string_view key) { return kHeadBytes + key.size() + kCrcBytes; }

// Takes one note off the front of `bytes`; nothing if that is not a whole one.
std::optional<Note> take_note(std::string_view& bytes) {
  if (bytes.size() < kHeadBytes + kCrcBytes) return std::nullopt;
  const std::size_t length = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) << 8 |
                             static_cast<unsigned char>(bytes[1]);
  if (bytes.size() < kHeadBytes + length + kCrcBytes) return std::nullopt;
  const auto id = ObjectId::from_bytes(bytes.substr(2, kIdBytes));
  const auto key = bytes.substr(kHeadBytes, length);
  if (!id || bytes.substr(0, encoded_size(key)) != encode_note(*id, key)) return std::nullopt;
  bytes.remove_prefix(encoded_size(key));
  return Note{*id, std::string(key)};
}

Result<std::vector<fs::path>> files_of_notes(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (Notes::is_file_of_notes(entry->path())) files.push_back(entry->path());
  if (!error || error == std::errc::no_such_file_or_directory) return files;
  errno = error.value();
  return fail_errno(folder.string());
}

}  // namespace

std::string encode_note(const ObjectId& id, std::string_view key) {
  std::string note;
  note.push_back(static_cast<char>(key.size() >> 8));
  note.push_back(static_cast<char>(key.size()));
  note.append(id.raw()).append(key);
  append_big_endian(note, crc32(0, note));
  return note;
}

std::vector<Note> parse_notes(std::string_view bytes) {
  std::vector<Note> notes;
  if (!bytes.starts_with(kMagic)) return notes;
  bytes.remove_prefix(kMagic.size());
  while (auto note = take_note(bytes)) notes.push_back(std::move(*note));
  return notes;
}

bool Notes::is_file_of_notes(const fs::path& path) {
  return path.filename().string().starts_with(kNamePrefix);
}

Result<std::vector<Note>> Notes::read(const fs::path& folder) {
  constexpr int kAttempts = 100;
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    VALETKEY_TRY(const auto files, files_of_notes(folder));
    std::vector<Note> notes;
    bool moved = false;
    for (const auto& file : files) {
      const auto bytes = read_file(file, kMaxFileBytes);
      if (!bytes && bytes.error().code != ErrorCode::not_found)
        return std::unexpected(bytes.error());
      moved = moved || !bytes;
      if (bytes) std::ranges::move(parse_notes(*bytes), std::back_inserter(notes));
    }
    // A file that went since the folder was read has left its notes in one that was not seen.
    if (!moved) return notes;
  }
  return fail(ErrorCode::busy, folder.string() + " changes all the time; try again");
}

bool Notes::is_room() const { return file_ && size_ <= std::max(file_bytes_, 2 * live_bytes_); }

// The former file goes after the new one is whole, so that a reader finds every note in one of
// them.
Result<void> Notes::begin_file() {
  const fs::path path = folder_ / fmt::format("{}{}", kNamePrefix, next_name_++);
  VALETKEY_TRY(FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  std::string bytes(kMagic);
  for (const auto& [id, key] : live_) bytes += encode_note(id, key);
  if (auto written = write_all(file.get(), bytes, path.string()); !written) {
    unlink(path.c_str());
    return written;
  }
  if (!path_.empty()) unlink(path_.c_str());
  path_ = path;
  file_ = std::move(file);
  size_ = bytes.size();
  return {};
}

Result<void> Notes::add(const ObjectId& id, std::string_view key) {
  const std::lock_guard lock(mutex_);
  if (live_.contains(id)) return {};
  if (!is_room()) VALETKEY_CHECK(begin_file());
  const auto note = encode_note(id, key);
  if (auto written = write_all(file_.get(), note, path_.string()); !written) {
    file_ = FileDescriptor();  // half a note would hide what follows it
    return written;
  }
  size_ += note.size();
  live_bytes_ += note.size();
  live_.emplace(id, key);
  return {};
}

void Notes::remove(const ObjectId& id) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(id);
  if (found == live_.end()) return;
  live_bytes_ -= encoded_size(found->second);
  live_.erase(found);
}

bool Notes::empty() const {
  const std::lock_guard lock(mutex_);
  return live_.empty();
}

}  // namespace valetkey::storage
