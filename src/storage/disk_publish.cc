// SPDX-License-Identifier: Apache-2.0
// The changing half of disk_store: writers, staged objects, publication, sweeping, rewrapping.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "storage/disk_parts.h"
#include "storage/sealed_file.h"

namespace valetkey::storage {
namespace {

constexpr std::size_t kMaxRows = 1000;  // of one transaction, so that nobody else waits
// The bytes of larger objects are synced by their writer when it finishes them: that takes long
// enough, and several threads may do it at once.
constexpr std::uint64_t kLargeBytes = 1 << 20;

class DiskStaged final : public StagedObject {
 public:
  DiskStaged(DiskParts& parts, IndexRow row, WrittenFile file, std::uint64_t failures)
      : parts_(parts), row_(std::move(row)), file_(std::move(file)), failures_(failures) {}
  DiskStaged(const DiskStaged&) = delete;
  DiskStaged& operator=(const DiskStaged&) = delete;
  ~DiskStaged() override {
    if (!keep_) parts_.discard(row_.id);
  }
  const ObjectInfo& info() const override { return row_.info; }
  const IndexRow& row() const { return row_; }
  const WrittenFile& file() const { return file_; }
  std::uint64_t failures() const { return failures_; }  // of syncs, before it was opened
  const DiskParts& parts() const { return parts_; }
  void keep() { keep_ = true; }

 private:
  DiskParts& parts_;
  IndexRow row_;
  WrittenFile file_;
  std::uint64_t failures_;
  bool keep_ = false;
};

class DiskWriter final : public ObjectWriter {
 public:
  DiskWriter(DiskParts& parts, ObjectInfo info, const ObjectId& id, Secret data_key,
             FileDescriptor file, std::uint64_t failures)
      : parts_(parts),
        info_(std::move(info)),
        id_(id),
        data_key_(std::move(data_key)),
        failures_(failures),
        sealed_(std::move(file), parts.path_of(id).string(), id, data_key_) {}
  DiskWriter(const DiskWriter&) = delete;
  DiskWriter& operator=(const DiskWriter&) = delete;
  ~DiskWriter() override {
    if (!finished_) parts_.discard(id_);
  }

  Result<void> write(std::string_view bytes) override { return sealed_.write(bytes); }
  void describe(const layout::PartStatistics& statistics) override { statistics_ = statistics; }

  Result<std::unique_ptr<StagedObject>> finish(std::optional<std::uint64_t> rows) override {
    if (finished_) return fail(ErrorCode::internal, "a writer was finished twice");
    VALETKEY_TRY(const SealedContent content, sealed_.finish());
    const bool large = content.size >= kLargeBytes;
    if (large) VALETKEY_CHECK(sealed_.sync());
    info_.size = content.size;
    info_.etag = hex({reinterpret_cast<const char*>(content.md5.data()), content.md5.size()});
    info_.crc32 = content.crc32;
    info_.rows = rows;
    VALETKEY_TRY(IndexRow row, parts_.seal_row(info_, id_, data_key_));
    row.statistics = std::move(statistics_);
    finished_ = true;
    return std::make_unique<DiskStaged>(parts_, std::move(row),
                                        WrittenFile{parts_.path_of(id_), large}, failures_);
  }

 private:
  DiskParts& parts_;
  ObjectInfo info_;
  ObjectId id_;
  Secret data_key_;
  std::uint64_t failures_;
  SealedWriter sealed_;
  std::optional<layout::PartStatistics> statistics_;
  bool finished_ = false;
};

Result<void> commit(DiskParts& parts, const IndexChange& change, bool& undecided) {
  auto committed = parts.index().commit(
      change, [&](const auto& former) { return parts.note_former(former); }, undecided);
  if (!committed) return std::unexpected(committed.error());
  parts.raise_generation(committed->generation);
  for (const IndexRow& row : change.add) parts.staging().forget(row.id);
  for (const FormerObject& former : committed->former) parts.discard(former.id);
  return {};
}

}  // namespace

Result<std::unique_ptr<ObjectWriter>> DiskStore::create(std::string_view key, Timestamp now) {
  VALETKEY_CHECK(check_key(key));
  const ObjectId id = ObjectId::make();
  VALETKEY_CHECK(parts_->staging().note(id, key));
  const auto failures = parts_->sync().failures();
  auto file = open_file(parts_->path_of(id), O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) {
    parts_->staging().forget(id);
    return std::unexpected(file.error());
  }
  ObjectInfo info;
  info.key = key;
  info.modified = now;
  return std::make_unique<DiskWriter>(*parts_, std::move(info), id, make_data_key(),
                                      std::move(*file), failures);
}

Result<void> DiskStore::publish(Publication publication) {
  VALETKEY_CHECK(check_size(publication));
  if (publication.keys() == 0) return {};
  IndexChange change;
  std::vector<DiskStaged*> staged;
  std::vector<WrittenFile> files;
  auto failures = parts_->sync().failures();
  for (const auto& object : publication.add) {
    auto* own = dynamic_cast<DiskStaged*>(object.get());
    if (own == nullptr || &own->parts() != parts_.get())
      return fail(ErrorCode::invalid, "an object can only be published where it was written");
    staged.push_back(own);
    change.add.push_back(own->row());
    files.push_back(own->file());
    failures = std::min(failures, own->failures());
  }
  if (!files.empty()) VALETKEY_CHECK(parts_->sync().sync(files, failures));
  change.remove = std::move(publication.remove);
  change.unlist = std::move(publication.unlist);
  change.readable_until = publication.readable_until;
  change.erases_of = std::move(publication.erases_of);
  bool undecided = false;
  auto done = commit(*parts_, change, undecided);
  // Undecided: the commit may yet turn out to be on the disk, so the files stay; their notes settle
  // it.
  if (done || undecided)
    for (DiskStaged* object : staged) object->keep();
  return done;
}

Result<std::uint64_t> DiskStore::sweep(Timestamp now) {
  std::uint64_t swept = 0;
  while (true) {
    VALETKEY_TRY(const CommitResult gone,
                 parts_->index().sweep(now, kMaxRows, [&](const auto& former) {
                   return parts_->note_former(former);
                 }));
    for (const FormerObject& former : gone.former) parts_->discard(former.id);
    swept += gone.former.size();
    if (gone.former.size() < kMaxRows) return swept;
  }
}

Result<std::vector<DaySums>> DiskStore::days(std::string_view account) {
  return parts_->index().days(account);
}

Result<PartitionPage> DiskStore::partitions(std::string_view day_prefix, std::string_view after,
                                            std::size_t limit) {
  PartitionPage page;
  VALETKEY_TRY(page.partitions, parts_->index().partitions(day_prefix, after, limit + 1));
  page.more = page.partitions.size() > limit;
  if (page.more) page.partitions.resize(limit);
  return page;
}

Result<std::optional<ObjectInfo>> DiskStore::latest(std::string_view day_prefix) {
  return parts_->index().latest(day_prefix);
}

Result<Catalog> DiskStore::catalog(const AccountId& account) {
  return parts_->index().catalog(account);
}

Result<CatalogPage> DiskStore::list_parts(const AccountId& account, const std::string& prefix,
                                          const std::string& after, std::size_t limit,
                                          std::uint64_t generation) {
  return parts_->index().list_parts(account, prefix, after, limit, generation);
}

Result<UnreadyParts> DiskStore::unready_parts(const AccountId& account, layout::RowType type) {
  return parts_->index().unready_parts(account, type);
}

Result<std::vector<ObjectInfo>> DiskStore::unread_parts(std::size_t limit) {
  return parts_->index().unread_parts(limit);
}

Result<void> DiskStore::describe(const std::vector<ReadPart>& parts) {
  VALETKEY_TRY(const auto generation, parts_->index().describe(parts));
  parts_->raise_generation(generation);
  return {};
}

Result<std::vector<ObjectInfo>> DiskStore::parts_without_microseconds(const std::string& after,
                                                                      std::size_t limit) {
  return parts_->index().parts_without_microseconds(after, limit);
}

Result<std::uint64_t> DiskStore::count_without_microseconds() {
  return parts_->index().count_without_microseconds();
}

Result<StoreStats> DiskStore::stats() {
  VALETKEY_TRY(const IndexState state, parts_->index().read_state());
  return StoreStats{state.objects, state.bytes, parts_->corrupt()};
}

Result<std::map<std::uint32_t, std::uint64_t>> DiskStore::count_by_object_key() {
  return parts_->index().count_by_object_key();
}

Result<RewrapSummary> DiskStore::rewrap(Timestamp now) {
  const auto keyring = parts_->keys().get();
  VALETKEY_TRY(const Key* active, active_object_key(*keyring, now));
  RewrapSummary summary;
  std::string after;
  while (true) {
    VALETKEY_TRY(std::vector<IndexRow> rows, parts_->index().rows_after(after, kMaxRows));
    if (rows.empty()) return summary;
    after = rows.back().info.key;
    std::vector<IndexRow> changed;
    for (IndexRow& row : rows) {
      if (row.data_key.key_id == active->id) continue;
      auto known = parts_->open_row(row);
      if (!known) {
        summary.failed.push_back(known.error().detail);
        continue;
      }
      VALETKEY_TRY(const std::string md5, unhex(row.info.etag));
      VALETKEY_TRY(row.data_key,
                   wrap_data_key(*active, known->data_key,
                                 {row.id, bucket(), row.info.key, row.info.size, md5}));
      changed.push_back(std::move(row));
    }
    if (changed.empty()) continue;
    VALETKEY_TRY(const std::size_t count, parts_->index().rewrap(changed));
    summary.rewrapped += count;
  }
}

}  // namespace valetkey::storage
