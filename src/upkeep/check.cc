// SPDX-License-Identifier: Apache-2.0
#include "upkeep/check.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <thread>

#include "base/crypto.h"
#include "base/encoding.h"
#include "storage/data_key.h"
#include "storage/disk_parts.h"
#include "storage/sealed_file.h"
#include "upkeep/internal/orphans.h"

namespace valetkey::upkeep {
namespace {

constexpr std::size_t kRowsAtOnce = 100;

// Hands out rows in key order. Thread-safe.
class RowSource {
 public:
  explicit RowSource(storage::Index& index) : index_(index) {}
  // Nothing at the end.
  Result<std::optional<storage::Index::RowsToCheck>> next() {
    const std::lock_guard lock(mutex_);
    if (ended_) return std::nullopt;
    VALETKEY_TRY(storage::Index::RowsToCheck rows, index_.rows_to_check(after_, kRowsAtOnce));
    // A damaged key may not move on; the last stretch of rows then is what was seen.
    ended_ = rows.last_key == after_;
    after_ = rows.last_key;
    return rows;
  }
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }

 private:
  storage::Index& index_;
  std::mutex mutex_;
  std::string after_;
  bool ended_ = false;
};

class Check {
 public:
  Check(storage::DiskStore& store, CheckProgress& progress) : store_(store), progress_(progress) {}

  Result<CheckReport> run(std::size_t workers) {
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < std::clamp<std::size_t>(workers, 1, 64); ++i)
        threads.emplace_back([this] { work(); });
    }
    if (failure_) return std::unexpected(*failure_);
    std::ranges::sort(report_.problems);
    return std::move(report_);
  }

 private:
  void work() {
    while (true) {
      auto rows = source_.next();
      if (!rows) {
        const std::lock_guard lock(mutex_);
        failure_ = rows.error();
        source_.end();
        return;
      }
      if (!*rows) return;
      for (const storage::IndexRow& row : (*rows)->rows) look_at(row);
      const std::lock_guard lock(mutex_);
      report_.problems.insert(report_.problems.end(), (*rows)->damaged.begin(),
                              (*rows)->damaged.end());
    }
  }

  void look_at(const storage::IndexRow& row) {
    const auto sound = verify(row);
    // Replaced or removed since its row was read: the new one is another's row.
    const bool gone = !sound && !still_there(row);
    const std::lock_guard lock(mutex_);
    report_.objects += 1;
    report_.bytes += row.info.size;
    if (!sound && !gone)
      report_.problems.push_back(fmt::format("object {}: {}", row.info.key, sound.error().detail));
    progress_.advanced(report_.objects, report_.bytes);
  }

  bool still_there(const storage::IndexRow& row) {
    const auto now = store_.parts().index().find(row.info.key, Timestamp::min());
    return !now || (*now && (*now)->id == row.id);
  }

  Result<void> verify(const storage::IndexRow& row) {
    VALETKEY_TRY(const storage::KnownObject known, store_.parts().open_row(row));
    const auto path = store_.parts().path_of(row.id);
    VALETKEY_TRY(FileDescriptor file, open_file(path, O_RDONLY | O_NOFOLLOW));
    posix_fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    VALETKEY_TRY(storage::SealedReader reader,
                 storage::SealedReader::open(std::move(file), path.string(), row.id, known.data_key,
                                             row.info.size));
    return verify_content(row, reader);
  }

  static Result<void> verify_content(const storage::IndexRow& row, storage::SealedReader& reader) {
    std::string buffer(storage::kBatchChunks * storage::kChunkBytes, '\0');
    Md5 md5;
    std::uint32_t crc = 0;
    std::uint64_t at = 0;
    do {
      const auto got = reader.read(at, buffer, storage::ReadMode::blocking);
      if (!got)
        return fail(ErrorCode::corrupt,
                    fmt::format("chunk {} of file {} {}", reader.failed_chunk(), row.id.str(),
                                got.error() == storage::ReadFailure::io ? "cannot be read"
                                                                        : "does not authenticate"));
      md5.update({buffer.data(), *got});
      crc = crc32(crc, {buffer.data(), *got});
      at += *got;
    } while (at < row.info.size);
    const auto digest = md5.finish();
    const std::string etag = hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
    if (etag != row.info.etag) return fail(ErrorCode::corrupt, "its MD5 is not that of its row");
    if (crc != row.info.crc32) return fail(ErrorCode::corrupt, "its CRC-32 is not that of its row");
    return {};
  }

  storage::DiskStore& store_;
  CheckProgress& progress_;
  RowSource source_{store_.parts().index()};
  std::mutex mutex_;  // of what follows
  CheckReport report_;
  std::optional<Error> failure_;
};

}  // namespace

Result<CheckReport> check_objects(storage::DiskStore& store, const CheckOptions& options,
                                  Timestamp now, CheckProgress& progress) {
  // Without a sound index nothing that follows would be true, least of all what is an orphan.
  auto structure = store.parts().index().check_structure();
  if (!structure && structure.error().code != ErrorCode::corrupt)
    return std::unexpected(structure.error());
  if (!structure || !structure->empty()) {
    CheckReport report;
    if (!structure) structure = std::vector{structure.error().detail};
    for (const std::string& problem : *structure)
      report.problems.push_back("objects.db: " + problem + ": restore a backup");
    return report;
  }
  VALETKEY_TRY(CheckReport report, Check(store, progress).run(options.workers));
  auto orphans = find_orphans(store);
  // A damaged row has been reported; with it there is no telling whose the files are.
  if (!orphans && orphans.error().code == ErrorCode::corrupt) return report;
  VALETKEY_TRY(const Orphans found, std::move(orphans));
  report.problems.insert(report.problems.end(), found.strangers.begin(), found.strangers.end());
  report.orphans = found.files.size();
  if (options.repair) {
    VALETKEY_CHECK(remove_orphans(store, now, report));
    return report;
  }
  for (const storage::ObjectId& id : found.files) report.problems.push_back(describe_orphan(id));
  return report;
}

Result<std::optional<bool>> is_opened_by(storage::DiskStore& store, const Keyring& keyring) {
  VALETKEY_TRY(const auto tried, store.parts().index().rows_to_check("", kRowsAtOnce));
  for (const storage::IndexRow& row : tried.rows) {
    const auto md5 = unhex(row.info.etag);
    if (md5 &&
        storage::unwrap_data_key(keyring, row.data_key,
                                 {row.id, store.bucket(), row.info.key, row.info.size, *md5}))
      return true;
  }
  return tried.rows.empty() ? std::nullopt : std::optional(false);
}

}  // namespace valetkey::upkeep
