// SPDX-License-Identifier: Apache-2.0
#include "cli/query_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/crypto.h"
#include "base/keyed_hash.h"
#include "base/timestamp.h"
#include "cli/context.h"
#include "terminal/size.h"

namespace valetkey::cli {
namespace {

namespace fs = std::filesystem;

struct Partition {
  std::uint64_t bytes = 0;
  fs::file_time_type used;
};

// Every folder that holds files of an export.
Result<std::map<fs::path, Partition>> partitions_in(const fs::path& exports) {
  std::map<fs::path, Partition> found;
  std::error_code error, gone;
  for (fs::recursive_directory_iterator at(exports, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().filename() == ".valetkey") at.disable_recursion_pending();
    if (!at->is_regular_file(gone) || at->is_symlink(gone)) continue;
    Partition& partition = found[at->path().parent_path()];
    partition.bytes += at->file_size(gone);
  }
  if (error) return fail(ErrorCode::io, exports.string() + ": " + error.message());
  for (auto& [path, partition] : found) partition.used = fs::last_write_time(path, gone);
  return found;
}

Result<void> remove_folder(const fs::path& folder, const fs::path& top) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return fail(ErrorCode::io, folder.string() + ": " + error.message());
  for (fs::path above = folder.parent_path(); above != top && fs::is_empty(above, error);
       above = above.parent_path())
    if (!fs::remove(above, error)) break;
  return {};
}

void remove_snapshots_of_the_dead(const fs::path& running) {
  std::error_code error;
  for (const auto& each : fs::directory_iterator(running, error)) {
    if (!each.is_directory(error)) continue;
    const auto lock = FileLock::acquire(each.path() / "lock");
    if (lock) fs::remove_all(each.path(), error);
  }
}

// Held for an instant by the process that makes a snapshot, so that it is not taken for a dead one.
Result<FileLock> lock_running(const fs::path& path) {
  for (int attempt = 0;; ++attempt) {
    auto lock = FileLock::acquire(path);
    if (lock || lock.error().code != ErrorCode::busy || attempt == 1000) return lock;
    std::this_thread::sleep_for(milliseconds(10));
  }
}

bool is_of_any(const std::vector<Selection>& selections, std::string_view name) {
  return std::ranges::any_of(selections,
                             [name](const Selection& selection) { return selection.is_of(name); });
}

}  // namespace

Result<std::unique_ptr<Snapshot>> Snapshot::make(const fs::path& cache) {
  const fs::path running = cache / "running";
  VALETKEY_CHECK(make_folders(running));
  VALETKEY_TRY(const auto making, lock_running(cache / "running.lock"));
  remove_snapshots_of_the_dead(running);
  std::string folder = (running / "XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return fail_errno(folder);
  VALETKEY_TRY(auto lock, FileLock::acquire(fs::path(folder) / "lock"));
  return std::unique_ptr<Snapshot>(new Snapshot(folder, std::move(lock)));
}

Snapshot::~Snapshot() { remove(); }

void Snapshot::remove() {
  std::error_code error;
  fs::remove_all(folder_, error);
}

Result<void> Snapshot::add(const fs::path& file, const layout::PartName& part) {
  const fs::path day = folder_ / layout::name_of(part.folder.type) / format_date(part.folder.day);
  VALETKEY_CHECK(make_folders(day));
  const fs::path name = day / fmt::format("{}{}.parquet", part.is_other() ? "other-" : "", next_++);
  std::error_code error;
  fs::create_hard_link(file, name, error);
  // Some file systems have no hard links.
  if (error) fs::copy_file(file, name, error);
  if (error) return fail(ErrorCode::io, name.string() + ": " + error.message());
  return {};
}

bool Snapshot::holds(const std::string& type) const {
  std::error_code error;
  return fs::exists(folder_ / type, error);
}

Result<std::unique_ptr<QueryCache>> QueryCache::open(const fs::path& cache,
                                                     const std::string& service) {
  const fs::path mine = cache / "exports" / sha256_hex(service).substr(0, 32);
  VALETKEY_CHECK(make_folders(mine));
  auto lock = FileLock::acquire(cache / "lock");
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<QueryCache> opened(new QueryCache(cache, mine, std::move(*lock)));
  VALETKEY_TRY(opened->folder_, client::Folder::open(mine, service));
  return opened;
}

Result<void> QueryCache::make_room(const std::vector<Selection>& selections,
                                   const std::vector<client::ListedObject>& listed,
                                   std::uint64_t limit) {
  NameSet names, needed;
  std::uint64_t wanted = 0;
  for (const client::ListedObject& object : listed) {
    names.insert(object.key);
    needed.insert((mine_ / object.key).parent_path().string());
    wanted += object.size;
  }
  if (wanted > limit)
    return fail(ErrorCode::too_large,
                fmt::format("the query needs {} and the cache may hold {}: select less, or raise "
                            "--cache-limit",
                            terminal::size_text(wanted), terminal::size_text(limit)));
  const auto is_stale = [&](const std::string& name) {
    return !names.contains(name) && is_of_any(selections, name);
  };
  VALETKEY_TRY(const auto files, folder_->files(""));
  for (const std::string& name : files)
    if (is_stale(name)) VALETKEY_CHECK(folder_->remove(name));
  for (const client::ListedObject& object : folder_->brought())
    if (is_stale(object.key)) folder_->forget(object.key);
  VALETKEY_TRY(const auto partitions, partitions_in(cache_ / "exports"));
  std::vector<std::pair<fs::path, Partition>> others;
  std::uint64_t held = wanted;
  for (const auto& [path, partition] : partitions) {
    if (needed.contains(path.string())) continue;
    others.emplace_back(path, partition);
    held += partition.bytes;
  }
  std::ranges::sort(others, {}, [](const auto& each) { return each.second.used; });
  for (auto each = others.begin(); held > limit && each != others.end(); ++each) {
    VALETKEY_CHECK(remove_folder(each->first, cache_ / "exports"));
    held -= each->second.bytes;
  }
  return {};
}

Result<std::optional<std::vector<client::ListedObject>>> QueryCache::held(
    const std::vector<Selection>& selections) {
  std::vector<client::ListedObject> found;
  for (client::ListedObject& object : folder_->brought()) {
    if (!is_of_any(selections, object.key)) continue;
    VALETKEY_TRY(const bool there, folder_->holds(object));
    if (!there) return std::nullopt;
    found.push_back(std::move(object));
  }
  return found;
}

Result<void> QueryCache::take(const std::vector<client::ListedObject>& listed, Snapshot& snapshot) {
  NameSet used;
  for (const client::ListedObject& object : listed) {
    const auto part = layout::PartName::parse(object.key);
    if (!part) continue;
    const fs::path file = mine_ / object.key;
    VALETKEY_CHECK(snapshot.add(file, *part));
    used.insert(file.parent_path().string());
  }
  for (const std::string& partition : used)
    if (::utimensat(AT_FDCWD, partition.c_str(), nullptr, 0) != 0) return fail_errno(partition);
  return {};
}

}  // namespace valetkey::cli
