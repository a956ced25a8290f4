// SPDX-License-Identifier: Apache-2.0
#include "storage/disk_parts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "storage/data_key.h"

namespace valetkey::storage {
namespace {

namespace fs = std::filesystem;

// All of them at once, so that no writer has to make or fsync one.
Result<void> make_object_folders(const fs::path& objects) {
  VALETKEY_CHECK(make_folders(objects, 0700));
  bool made = false;
  for (int i = 0; i < 256; ++i) {
    const fs::path folder = objects / fmt::format("{:02x}", i);
    if (mkdir(folder.c_str(), 0700) == 0)
      made = true;
    else if (errno != EEXIST)
      return fail_errno("cannot make the folder " + folder.string());
  }
  return made ? sync_folder(objects) : Result<void>();
}

bool holds_files(const fs::path& objects) {
  std::error_code error;
  for (fs::recursive_directory_iterator entry(objects, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->is_regular_file(error)) return true;
  return false;
}

// Files without an index mean that it was lost; empty folders alone, that an earlier start was cut
// short.
Result<void> prepare_folder(const fs::path& folder) {
  const fs::path objects = folder / "objects";
  std::error_code error;
  if (!fs::exists(folder / "objects.db", error) && holds_files(objects))
    return fail(ErrorCode::corrupt,
                fmt::format("{} has objects but no objects.db: restore a backup", folder.string()));
  return make_object_folders(objects);
}

}  // namespace

Result<std::unique_ptr<DiskParts>> DiskParts::open(DiskStoreOptions options, const KeySource& keys,
                                                   const Clock& clock) {
  std::unique_ptr<DiskParts> parts(new DiskParts(std::move(options), keys, clock));
  const fs::path& folder = parts->options_.folder;
  VALETKEY_CHECK(make_folders(folder, 0700));
  // Said here, because SQLite would only say that it cannot open its file.
  if (access(folder.c_str(), W_OK) != 0) return fail_errno("cannot write in " + folder.string());
  VALETKEY_CHECK(prepare_folder(folder));
  VALETKEY_TRY(parts->index_, Index::open(folder / "objects.db", parts->options_.bucket));
  const auto settle = [&](const ObjectId& id, std::string_view key) -> Result<void> {
    VALETKEY_TRY(const auto row, parts->index_->find(key, Timestamp::min()));
    if (row && row->id == id) return {};
    const fs::path file = parts->path_of(id);
    if (unlink(file.c_str()) == 0 || errno == ENOENT) return {};
    return fail_errno(file.string());
  };
  VALETKEY_TRY(parts->staging_, Staging::open(folder, settle));
  VALETKEY_TRY(parts->own_sync_, DiskFileSync::open(folder / "objects"));
  parts->sync_ = parts->options_.sync != nullptr ? parts->options_.sync : parts->own_sync_.get();
  VALETKEY_TRY(const IndexState state, parts->index_->read_state());
  parts->raise_generation(state.generation);
  return parts;
}

fs::path DiskParts::path_of(const ObjectId& id) const {
  return options_.folder / "objects" / id.file_path();
}

Result<DiskParts::Known> DiskParts::look_up(std::string_view key, bool fresh) {
  if (!fresh)
    if (Known known = remembered(key)) return known;
  const std::uint64_t seen = generation();
  const Timestamp now = clock_.now();
  VALETKEY_TRY(auto row, index_->find(key, now));
  if (!row) return fail(ErrorCode::not_found, fmt::format("there is no object {}", key));
  VALETKEY_TRY(KnownObject object, open_row(std::move(*row)));
  object.generation = seen;
  auto known = std::make_shared<const KnownObject>(std::move(object));
  known_.get(seen).insert(known->info.key, known);
  return known;
}

DiskParts::Known DiskParts::remembered(std::string_view key) const {
  const Known* const found = known_.get(generation()).find(key);
  if (found == nullptr) return nullptr;
  const auto& until = (*found)->readable_until;
  return until && *until <= clock_.now() ? nullptr : *found;
}

void DiskParts::remember(const Known& known) const {
  if (known->generation == generation())
    known_.get(known->generation).insert(known->info.key, known);
}

Result<KnownObject> DiskParts::open_row(IndexRow row) {
  VALETKEY_TRY(const std::string md5, unhex(row.info.etag));
  auto data_key = unwrap_data_key(*keys_.get(), row.data_key,
                                  {row.id, options_.bucket, row.info.key, row.info.size, md5});
  if (!data_key) {
    if (data_key.error().code == ErrorCode::corrupt)
      count_corrupt(row.info.key, "its index row does not authenticate");
    return std::unexpected(data_key.error());
  }
  return KnownObject{std::move(row.info), row.id, std::move(*data_key), row.readable_until, 0};
}

Result<IndexRow> DiskParts::seal_row(ObjectInfo info, const ObjectId& id, const Secret& data_key) {
  const auto keyring = keys_.get();
  VALETKEY_TRY(const Key* object_key, active_object_key(*keyring, clock_.now()));
  VALETKEY_TRY(const std::string md5, unhex(info.etag));
  VALETKEY_TRY(WrappedKey wrapped, wrap_data_key(*object_key, data_key,
                                                 {id, options_.bucket, info.key, info.size, md5}));
  return IndexRow{std::move(info), id, std::move(wrapped), std::nullopt};
}

void DiskParts::count_corrupt(std::string_view key, std::string_view what) {
  corrupt_.fetch_add(1, std::memory_order_relaxed);
  log::error("storage", "An object is corrupt and is refused: restore it from a backup",
             {{"key", key}, {"what", what}});
}

Result<void> DiskParts::note_former(const std::vector<FormerObject>& former) {
  for (const FormerObject& object : former) VALETKEY_CHECK(staging_->note(object.id, object.key));
  return {};
}

void DiskParts::discard(const ObjectId& id) {
  const fs::path file = path_of(id);
  if (unlink(file.c_str()) != 0 && errno != ENOENT) {
    log::warn("storage", "A file that is no longer needed could not be removed",
              {{"file", file.string()}, {"error", fail_errno("unlink").error().detail}});
    return;  // its note stays, so the next start tries again
  }
  staging_->forget(id);
}

void DiskParts::raise_generation(std::uint64_t generation) {
  std::uint64_t known = generation_.load();
  while (known < generation && !generation_.compare_exchange_weak(known, generation)) {
  }
  contents_.follow(generation);
}

}  // namespace valetkey::storage
