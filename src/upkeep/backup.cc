// SPDX-License-Identifier: Apache-2.0
#include "upkeep/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "storage/disk_parts.h"
#include "storage/index_schema.h"
#include "storage/sealed_file.h"

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRowsAtOnce = 1000;
constexpr std::string_view kPartialName = "objects.db.partial";

Result<void> copy_content(const fs::path& from, const fs::path& to) {
  VALETKEY_TRY(const FileDescriptor source, open_file(from, O_RDONLY | O_NOFOLLOW));
  VALETKEY_TRY(const FileDescriptor target, open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0600));
  std::string buffer(1 << 20, '\0');
  while (true) {
    const ssize_t got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(from.string());
    if (got == 0) return sync_file(target.get(), to.string());
    VALETKEY_CHECK(
        write_all(target.get(), {buffer.data(), static_cast<std::size_t>(got)}, to.string()));
  }
}

// True if it had to be copied. What is there already is kept: the name says which object it is, and
// a copy that was cut short has another length.
Result<bool> link_or_copy(const fs::path& from, const fs::path& to, std::uint64_t size) {
  if (link(from.c_str(), to.c_str()) == 0) return false;
  if (errno == EEXIST) {
    std::error_code error;
    if (fs::file_size(to, error) == size && !error) return false;
    // Removed, never written over: it may be a link to the original.
    fs::remove(to, error);
    if (link(from.c_str(), to.c_str()) == 0) return false;
  }
  if (errno != EXDEV && errno != EPERM && errno != EMLINK) return fail_errno(from.string());
  VALETKEY_CHECK(copy_content(from, to));
  return true;
}

Result<void> make_tree(const fs::path& folder) {
  VALETKEY_CHECK(make_folders(folder / "objects", 0700));
  for (int i = 0; i < 256; ++i) {
    const fs::path sub = folder / "objects" / fmt::format("{:02x}", i);
    if (mkdir(sub.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(sub.string());
  }
  return {};
}

// Makes everything durable, then gives the index its name: that completes the folder.
Result<void> finish_tree(const fs::path& folder) {
  for (int i = 0; i < 256; ++i)
    VALETKEY_CHECK(sync_folder(folder / "objects" / fmt::format("{:02x}", i)));
  VALETKEY_CHECK(sync_folder(folder / "objects"));
  const fs::path partial = folder / kPartialName;
  VALETKEY_TRY(const FileDescriptor file, open_file(partial, O_RDONLY));
  VALETKEY_CHECK(sync_file(file.get(), partial.string()));
  if (rename(partial.c_str(), (folder / "objects.db").c_str()) != 0)
    return fail_errno((folder / "objects.db").string());
  return sync_folder(folder);
}

class Backup {
 public:
  Backup(storage::DiskStore& store, fs::path to) : store_(store), to_(std::move(to)) {}

  Result<BackupSummary> run() {
    std::error_code error;
    if (fs::exists(to_ / "objects.db", error))
      return fail(ErrorCode::already_exists,
                  to_.string() + " holds a backup already: name an empty folder");
    VALETKEY_CHECK(make_tree(to_));
    // The index first: what it names is then linked before anybody has much time to replace it.
    const fs::path partial = to_ / kPartialName;
    fs::remove(partial, error);
    VALETKEY_CHECK(store_.parts().index().copy_to(partial));
    VALETKEY_CHECK(link_all(partial));
    VALETKEY_CHECK(finish_tree(to_));
    return summary_;
  }

 private:
  // Links what the copied index names. What is gone since then is looked up again in the live one.
  Result<void> link_all(const fs::path& partial) {
    VALETKEY_TRY(const auto copy, storage::Index::open(partial, store_.bucket()));
    std::string after;
    while (true) {
      VALETKEY_TRY(const auto rows, copy->rows_after(after, kRowsAtOnce));
      if (rows.empty()) return copy->settle_for_rest();
      after = rows.back().info.key;
      storage::IndexChange patch;
      for (const storage::IndexRow& row : rows) VALETKEY_CHECK(link_row(row, patch));
      if (patch.add.empty() && patch.remove.empty()) continue;
      bool undecided = false;
      VALETKEY_CHECK(copy->commit(patch, [](const auto&) { return Result<void>(); }, undecided));
    }
  }

  Result<void> link_row(storage::IndexRow row, storage::IndexChange& patch) {
    constexpr int kAttempts = 20;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const auto copied =
          link_or_copy(store_.parts().path_of(row.id), to_ / "objects" / row.id.file_path(),
                       storage::sealed_size(row.info.size));
      if (copied) {
        summary_.objects += 1;
        summary_.bytes += row.info.size;
        summary_.copied += *copied ? 1 : 0;
        if (attempt > 0) patch.add.push_back(std::move(row));
        return {};
      }
      if (copied.error().code != ErrorCode::not_found) return std::unexpected(copied.error());
      VALETKEY_TRY(auto now, store_.parts().index().find(row.info.key, Timestamp::min()));
      if (!now) {
        patch.remove.push_back(row.info.key);
        return {};
      }
      if (now->id == row.id) break;
      row = std::move(*now);
    }
    return fail(ErrorCode::corrupt,
                fmt::format("the file of object {} is missing: run check", row.info.key));
  }

  storage::DiskStore& store_;
  fs::path to_;
  BackupSummary summary_;
};

Result<BackupSummary> link_back(const fs::path& from, const fs::path& to, storage::Index& index) {
  BackupSummary summary;
  std::string after;
  while (true) {
    VALETKEY_TRY(const auto rows, index.rows_after(after, kRowsAtOnce));
    if (rows.empty()) return summary;
    after = rows.back().info.key;
    for (const storage::IndexRow& row : rows) {
      const fs::path file = from / "objects" / row.id.file_path();
      std::error_code error;
      if (fs::file_size(file, error) != storage::sealed_size(row.info.size) || error)
        return fail(ErrorCode::corrupt,
                    fmt::format("the backup lacks the file of object {} or holds it with another "
                                "length: use another backup",
                                row.info.key));
      VALETKEY_TRY(const bool copied, link_or_copy(file, to / "objects" / row.id.file_path(),
                                                   storage::sealed_size(row.info.size)));
      summary.objects += 1;
      summary.bytes += row.info.size;
      summary.copied += copied ? 1 : 0;
    }
  }
}

}  // namespace

Result<BackupSummary> backup_objects(storage::DiskStore& store, const fs::path& to) {
  return Backup(store, to).run();
}

Result<BackupSummary> restore_objects(const fs::path& from, const fs::path& data_folder) {
  std::error_code error;
  if (!fs::exists(from / "objects.db", error))
    return fail(ErrorCode::not_found,
                from.string() + " holds no complete backup: there is no objects.db in it");
  if (fs::exists(data_folder / "objects.db", error))
    return fail(ErrorCode::already_exists,
                data_folder.string() + " holds objects already: name an empty data folder");
  VALETKEY_CHECK(make_tree(data_folder));
  // Opened as a copy: opening the backup itself would change it.
  const fs::path partial = data_folder / kPartialName;
  fs::remove(partial, error);
  VALETKEY_CHECK(copy_content(from / "objects.db", partial));
  VALETKEY_TRY(BackupSummary summary, [&]() -> Result<BackupSummary> {
    VALETKEY_TRY(const auto index, storage::Index::open_copy(partial));
    VALETKEY_TRY(BackupSummary linked, link_back(from, data_folder, *index));
    VALETKEY_CHECK(index->settle_for_rest());
    return linked;
  }());
  VALETKEY_CHECK(finish_tree(data_folder));
  return summary;
}

}  // namespace valetkey::upkeep
