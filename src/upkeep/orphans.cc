// SPDX-License-Identifier: Apache-2.0
#include "upkeep/internal/orphans.h"
#include "storage/disk_parts.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

namespace valetkey::upkeep {
namespace {

namespace fs = std::filesystem;

constexpr seconds kMinAge{3600};

Result<void> list_files(const fs::path& objects, Orphans& found) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(objects, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry.depth() == 0 && entry->is_directory(error)) continue;
    const auto id = storage::ObjectId::parse(entry->path().filename().string());
    if (id && entry->path() == objects / id->file_path() && entry->is_regular_file(error))
      found.files.push_back(*id);
    else if (!error)
      found.strangers.push_back(fmt::format(
          "{} is no object of this store: look at it, then remove it", entry->path().string()));
    error.clear();  // gone since the folder was read
  }
  if (!error) return {};
  errno = error.value();
  return fail_errno(objects.string());
}

Result<std::vector<storage::ObjectId>> ids_of_index(storage::Index& index) {
  constexpr std::size_t kRowsAtOnce = 1000;
  std::vector<storage::ObjectId> ids;
  std::string after;
  while (true) {
    VALETKEY_TRY(const auto rows, index.rows_after(after, kRowsAtOnce));
    if (rows.empty()) break;
    after = rows.back().info.key;
    for (const storage::IndexRow& row : rows) ids.push_back(row.id);
  }
  std::ranges::sort(ids);
  return ids;
}

std::vector<storage::ObjectId> without(const std::vector<storage::ObjectId>& from,
                                       const std::vector<storage::ObjectId>& these) {
  std::vector<storage::ObjectId> left;
  std::ranges::set_difference(from, these, std::back_inserter(left));
  return left;
}

}  // namespace

// The order makes it exact: a file that was replaced since it was listed had a note before its row
// went and loses the note only after it is gone itself.
Result<Orphans> find_orphans(storage::DiskStore& store) {
  Orphans found;
  VALETKEY_CHECK(list_files(store.parts().options().folder / "objects", found));
  std::ranges::sort(found.files);
  VALETKEY_TRY(const auto noted_before, storage::Staging::noted(store.parts().options().folder));
  VALETKEY_TRY(const auto indexed, ids_of_index(store.parts().index()));
  VALETKEY_TRY(const auto noted_after, storage::Staging::noted(store.parts().options().folder));
  found.files = without(found.files, indexed);
  found.files = without(found.files, noted_before);
  found.files = without(found.files, noted_after);
  std::erase_if(found.files, [&](const storage::ObjectId& id) {
    std::error_code error;
    return !fs::exists(store.parts().path_of(id), error);
  });
  return found;
}

Result<void> remove_orphans(storage::DiskStore& store, Timestamp now, CheckReport& report) {
  return store.parts().index().with_writer_lock([&]() -> Result<void> {
    VALETKEY_TRY(const Orphans found, find_orphans(store));
    for (const storage::ObjectId& id : found.files) {
      const std::string path = store.parts().path_of(id).string();
      struct stat status{};
      if (stat(path.c_str(), &status) != 0) continue;
      if (from_epoch_ms(status.st_mtime * 1000) > now - kMinAge) {
        report.problems.push_back(describe_orphan(id) + "; it is younger than an hour and stays");
        continue;
      }
      if (unlink(path.c_str()) != 0) return fail_errno(path);
      report.repaired.push_back(fmt::format("removed file {}, which no index row named", id.str()));
    }
    return {};
  });
}

std::string describe_orphan(const storage::ObjectId& id) {
  return fmt::format("file {} has no index row: check --repair removes it", id.str());
}

}  // namespace valetkey::upkeep
