// SPDX-License-Identifier: Apache-2.0
// A DiskStore as a whole, and its reading half. The writing half: disk_publish.cc.
#include "storage/disk_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "storage/disk_parts.h"
#include "storage/sealed_file.h"

namespace valetkey::storage {
namespace {

// An object whose content is in memory.
class MemoryReader final : public ObjectReader {
 public:
  MemoryReader(std::shared_ptr<const KnownObject> object, SmallContents::Held content)
      : object_(std::move(object)), content_(std::move(content)) {}
  const ObjectInfo& info() const override { return object_->info; }

  Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                        ReadMode) override {
    const std::string_view all = content_->bytes();
    if (offset >= all.size()) return 0;
    return all.copy(out.data(), out.size(), offset);
  }

 private:
  std::shared_ptr<const KnownObject> object_;
  SmallContents::Held content_;
};

class DiskReader final : public ObjectReader {
 public:
  // `contents`: where a small object that is read as a whole is kept; null: nowhere.
  DiskReader(DiskParts& parts, std::shared_ptr<const KnownObject> object, SealedReader sealed,
             SmallContents* contents)
      : parts_(parts),
        object_(std::move(object)),
        sealed_(std::move(sealed)),
        contents_(contents) {}
  const ObjectInfo& info() const override { return object_->info; }

  Result<std::size_t, ReadFailure> read(std::uint64_t offset, std::span<char> out,
                                        ReadMode mode) override {
    auto got = sealed_.read(offset, out, mode);
    if (!got && got.error() == ReadFailure::corrupt)
      parts_.count_corrupt(object_->info.key,
                           fmt::format("chunk {} of file {} does not authenticate",
                                       sealed_.failed_chunk(), object_->id.str()));
    if (got && contents_ != nullptr && offset == 0 && *got == object_->info.size)
      contents_->insert(object_->id, object_->generation, {out.data(), *got});
    return got;
  }
  void remember() const override { parts_.remember(object_); }

 private:
  DiskParts& parts_;
  std::shared_ptr<const KnownObject> object_;  // shared with the thread's cache
  SealedReader sealed_;
  SmallContents* contents_;
};

// Opens only if the path is wholly in the kernel's directory cache (Linux 5.12).
FileDescriptor open_without_blocking(const std::filesystem::path& path) {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_CACHED;
  return FileDescriptor(
      static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
}

Result<std::unique_ptr<ObjectReader>> open_known(DiskParts& parts, const DiskParts::Known& known,
                                                 FileDescriptor file, SmallContents* contents) {
  auto sealed = SealedReader::open(std::move(file), parts.path_of(known->id).string(), known->id,
                                   known->data_key, known->info.size);
  if (sealed) return std::make_unique<DiskReader>(parts, known, std::move(*sealed), contents);
  if (sealed.error().code == ErrorCode::corrupt)
    parts.count_corrupt(known->info.key, sealed.error().detail);
  return std::unexpected(sealed.error());
}

}  // namespace

Result<std::unique_ptr<DiskStore>> open_disk_store(DiskStoreOptions options, const KeySource& keys,
                                                   const Clock& clock) {
  VALETKEY_TRY(auto parts, DiskParts::open(std::move(options), keys, clock));
  return std::unique_ptr<DiskStore>(new DiskStore(std::move(parts)));
}

DiskStore::DiskStore(std::unique_ptr<DiskParts> parts)
    : parts_(std::move(parts)), watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

DiskStore::~DiskStore() = default;

const std::string& DiskStore::bucket() const { return parts_->options().bucket; }

std::filesystem::path DiskStore::scratch() const { return parts_->staging().folder(); }

std::uint64_t DiskStore::generation() const { return parts_->generation(); }

Result<ObjectInfo> DiskStore::head(std::string_view key) {
  VALETKEY_TRY(const DiskParts::Known known, parts_->look_up(key, false));
  return known->info;
}

Result<ListPage> DiskStore::list(const ListQuery& query) { return parts_->index().list(query); }

std::optional<Result<std::unique_ptr<ObjectReader>>> DiskStore::open_cached(std::string_view key) {
  const DiskParts::Known known = parts_->remembered(key);
  if (!known) return std::nullopt;
  if (auto content = parts_->contents().find(known->id, known->generation))
    return std::make_unique<MemoryReader>(known, std::move(content));
  FileDescriptor file = open_without_blocking(parts_->path_of(known->id));
  if (!file) return std::nullopt;  // not cached, or replaced by another process just now
  return open_known(*parts_, known, std::move(file),
                    &parts_->contents());  // asked for twice: worth keeping
}

Result<std::unique_ptr<ObjectReader>> DiskStore::open(std::string_view key) {
  // A file that is gone was replaced since its row was read, so the row is read again.
  constexpr int kAttempts = 5;
  for (int attempt = 0;; ++attempt) {
    VALETKEY_TRY(const DiskParts::Known known, parts_->look_up(key, attempt > 0));
    auto file = open_file(parts_->path_of(known->id), O_RDONLY | O_NOFOLLOW);
    if (file) return open_known(*parts_, known, std::move(*file), nullptr);
    if (file.error().code != ErrorCode::not_found) return std::unexpected(file.error());
    if (attempt < kAttempts) continue;
    parts_->count_corrupt(key, fmt::format("file {} is missing", known->id.str()));
    return fail(ErrorCode::corrupt, fmt::format("the file of object {} is missing: restore it from "
                                                "a backup",
                                                key));
  }
}

// Follows what other processes commit. A failed look is tried again: readers find out by
// themselves.
void DiskStore::watch(const std::stop_token& stop) {
  std::int64_t seen = -1;
  std::unique_lock lock(watch_mutex_);
  while (!stop.stop_requested()) {
    watch_wake_.wait_for(lock, stop, parts_->options().poll_period, [] { return false; });
    if (stop.stop_requested()) return;
    const auto version = parts_->index().read_data_version();
    if (!version || *version == seen) continue;
    const auto state = parts_->index().read_state();
    if (!state) continue;
    seen = *version;
    parts_->raise_generation(state->generation);
  }
}

}  // namespace valetkey::storage
