// SPDX-License-Identifier: Apache-2.0
// The exporter's work on days that are over, and on parts that exist: compaction, _SUCCESS,
// retention, erasure.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "exporter/exporter.h"
#include "exporter/parquet_footer.h"

namespace valetkey::exporter {
namespace {

using std::chrono::days;

constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kMostParts = 900;  // merged at once: a publication takes 1,000 keys

bool is_part(std::string_view key) { return key.ends_with(".parquet"); }
// Plaintext files that go on every way out.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    for (const auto& path : paths_) std::filesystem::remove(path, ignored);
  }
  const std::filesystem::path& add(std::filesystem::path path) {
    return paths_.emplace_back(std::move(path));
  }
  const std::vector<std::filesystem::path>& paths() const { return paths_; }

 private:
  std::vector<std::filesystem::path> paths_;
};

Result<std::string> read_object(storage::ObjectStore& store, const std::string& key) {
  VALETKEY_TRY(const auto reader, store.open(key));
  std::string bytes(reader->info().size, '\0');
  const auto read = reader->read(0, bytes, storage::ReadMode::blocking);
  if (!read || *read != bytes.size())
    return fail(ErrorCode::corrupt, key + " cannot be read; run check");
  return bytes;
}

// As the store tells, else, since a bucket's listing does not, as the copy of it in `file` does.
Result<std::uint64_t> rows_of(const storage::ObjectInfo& part, const std::filesystem::path& file) {
  if (part.rows) return *part.rows;
  VALETKEY_TRY(const auto fd, open_file(file, O_RDONLY));
  return count_parquet_rows(part.size, [&](std::uint64_t at, std::span<char> out) {
    return read_exactly(fd.get(), at, out, part.key);
  });
}

std::string folder_of(const std::string& key) { return key.substr(0, key.rfind('/') + 1); }

// A name for merged parts that depends on what went in: a repetition overwrites itself.
std::string merged_uuid(const std::vector<storage::ObjectInfo>& parts) {
  std::string text;
  for (const auto& part : parts) text += part.key + " " + part.etag + "\n";
  const auto digits = sha256_hex(text);
  return fmt::format("{}-{}-8{}-8{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                     digits.substr(13, 3), digits.substr(17, 3), digits.substr(20, 12));
}

}  // namespace

Result<std::size_t> Exporter::close_days() {
  const Date last = date_of(clock_.now() - options_.grace) - days(1);
  VALETKEY_TRY(const auto closed, closed_through());
  if (closed >= last) return 0;
  // Midnight and grace have passed: what the log holds now is all that those days will have.
  VALETKEY_CHECK(drain());
  std::size_t count = 0;
  for (Date day = closed + days(1); day <= last; day += days(1), ++count)
    VALETKEY_CHECK(close_day(day));
  return count;
}

Result<void> Exporter::close_day(Date day) {
  VALETKEY_TRY(const auto accounts, accounts_());
  PartPublisher publisher(store_, clock_.now());
  for (const auto& account : accounts) {
    for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
      // Small parts are a nuisance, not an error: the day is complete all the same.
      if (const auto compacted = compact(account.id, type, day); !compacted)
        log::error("exporter", "a day could not be compacted",
                   {{"account", account.id.str()},
                    {"day", format_date(day)},
                    {"reason", compacted.error().detail}});
      const auto key = layout::day_prefix(account.id, type, day) + "_SUCCESS";
      if (!store_.head(key)) VALETKEY_CHECK(publisher.add_bytes(key, ""));
    }
  }
  VALETKEY_CHECK(publisher.flush());
  return ledger_.close_day(day);
}

Result<void> Exporter::compact(const AccountId& account, layout::RowType type, Date day) {
  std::vector<storage::ObjectInfo> parts;  // of one partition
  const auto close = [&]() -> Result<void> {
    auto done = parts.size() > 1 ? compact_partition(type, parts) : Result<void>();
    parts.clear();
    return done;
  };
  VALETKEY_CHECK(for_each_object(store_, layout::day_prefix(account, type, day),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   if (!is_part(info.key)) return {};
                                   const bool another = !parts.empty() && folder_of(parts[0].key) !=
                                                                              folder_of(info.key);
                                   if (another || parts.size() == kMostParts)
                                     VALETKEY_CHECK(close());
                                   parts.push_back(info);
                                   return {};
                                 }));
  return close();
}

Result<void> Exporter::compact_partition(layout::RowType type,
                                         const std::vector<storage::ObjectInfo>& parts) {
  VALETKEY_TRY(auto* const parquet, writer());
  Scratch files, output;
  std::vector<std::string> gone;
  std::uint64_t rows = 0;
  for (const auto& part : parts) {
    VALETKEY_CHECK(fetch_object(store_, part.key, files.add(parquet->make_path())));
    gone.push_back(part.key);
    VALETKEY_TRY(const auto of_part, rows_of(part, files.paths().back()));
    rows += of_part;
  }
  VALETKEY_TRY(const auto merged, parquet->merge(type, files.paths()));
  output.add(merged.path);
  if (merged.rows != rows)
    return fail(ErrorCode::corrupt,
                folder_of(parts[0].key) + " has parts whose rows do not add up");
  PartPublisher publisher(store_, clock_.now());
  return publisher.replace(folder_of(parts[0].key) + layout::part_name(0, merged_uuid(parts)),
                           merged.path, rows, std::move(gone),
                           clock_.now() + options_.readable_after);
}

Result<std::size_t> Exporter::apply_retention() {
  VALETKEY_TRY(const auto accounts, accounts_());
  std::size_t count = 0;
  for (const auto& account : accounts) {
    if (!account.retention) continue;
    const Date first_kept = date_of(clock_.now()) - *account.retention;
    std::vector<std::string> gone;
    for (const auto type : {layout::RowType::decisions, layout::RowType::events}) {
      // Days sort as their names do: everything before the first day that is kept goes.
      const auto end = layout::day_prefix(account.id, type, first_kept);
      const auto prefix = end.substr(0, end.find("date=") + 5);
      VALETKEY_CHECK(
          for_each_object(store_, prefix, [&](const storage::ObjectInfo& info) -> Result<void> {
            if (info.key < end) gone.push_back(info.key);
            return {};
          }));
    }
    count += gone.size();
    VALETKEY_CHECK(remove_objects(store_, std::move(gone)));
  }
  return count;
}

Result<std::vector<std::string>> Exporter::erase_visitor(const AccountId& account,
                                                         std::string_view visitor_sha256,
                                                         const NoteErased& note) {
  if (visitor_sha256.size() != kSha256Digits)
    return fail(ErrorCode::invalid, "a visitor is erased by the SHA-256 of its id");
  VALETKEY_CHECK(free_log());
  Erasing erasing{account, visitor_sha256, note, {}};
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    VALETKEY_CHECK(erase_from_parts(type, erasing));
  VALETKEY_CHECK(erase_set_aside(
      [&](const events::Event& event) {
        return event.account_id == account.str() && sha256_hex(event.visitor_id) == visitor_sha256;
      },
      erasing.unreadable));
  for (const auto& key : erasing.unreadable)
    log::error("exporter", "an object that may hold an erased visitor cannot be read",
               {{"object", key}});
  return std::move(erasing.unreadable);
}

Result<std::vector<std::string>> Exporter::erase_account(const AccountId& account) {
  VALETKEY_CHECK(free_log());
  const auto day = layout::day_prefix(account, layout::RowType::events, Date());
  std::vector<std::string> gone;
  VALETKEY_CHECK(for_each_object(store_, day.substr(0, day.find("type=")),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   gone.push_back(info.key);
                                   return {};
                                 }));
  VALETKEY_CHECK(remove_objects(store_, std::move(gone)));
  std::vector<std::string> unreadable;
  VALETKEY_CHECK(erase_set_aside(
      [&](const events::Event& event) { return event.account_id == account.str(); }, unreadable));
  return unreadable;
}

// Exports all that waits, and leaves nothing of it in the log: a segment that is being written
// would stay until it is full.
Result<void> Exporter::free_log() {
  for (unsigned partition = 0; partition < log_.partitions(); ++partition)
    VALETKEY_CHECK(log_.rotate(partition));
  VALETKEY_CHECK(drain());
  for (unsigned partition = 0; partition < log_.partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, ledger_.consumed(partition));
    VALETKEY_CHECK(log_.release(partition, consumed));
  }
  return {};
}

Result<void> Exporter::erase_from_parts(layout::RowType type, Erasing& erasing) {
  const auto day = layout::day_prefix(erasing.account, type, Date());
  return for_each_object(store_, day.substr(0, day.find("date=")),
                         [&](const storage::ObjectInfo& info) -> Result<void> {
                           if (!is_part(info.key)) return {};
                           return erase_from_part(type, info, erasing);
                         });
}

Result<void> Exporter::erase_from_part(layout::RowType type, const storage::ObjectInfo& part,
                                       Erasing& erasing) {
  VALETKEY_TRY(auto* const parquet, writer());
  Scratch scratch;
  const auto file = scratch.add(parquet->make_path());
  if (auto fetched = fetch_object(store_, part.key, file); !fetched) {
    if (fetched.error().code != ErrorCode::corrupt) return fetched;
    erasing.unreadable.push_back(part.key);
    return {};
  }
  VALETKEY_TRY(const auto rest, without_visitor(type, file, erasing.visitor_sha256));
  if (!rest) {
    erasing.unreadable.push_back(part.key);
    return {};
  }
  scratch.add(rest->path);
  VALETKEY_TRY(const auto rows, rows_of(part, file));
  if (rest->rows == rows) return {};
  VALETKEY_CHECK(erasing.note(part.key, rows - rest->rows));
  PartPublisher publisher(store_, clock_.now());
  VALETKEY_CHECK(publisher.add(part.key, rest->path, rest->rows));
  return publisher.flush();
}

// Nothing: DuckDB cannot read this part. An error: it is the disk, or DuckDB itself.
Result<std::optional<ParquetFile>> Exporter::without_visitor(layout::RowType type,
                                                             const std::filesystem::path& file,
                                                             std::string_view visitor_sha256) {
  VALETKEY_TRY(auto* const parquet, writer());
  auto rest = parquet->merge(type, {file}, visitor_sha256);
  if (rest) return std::optional(std::move(*rest));
  log::warn("exporter", "a part could not be rewritten", {{"reason", rest.error().detail}});
  writer_.reset();  // a failure may have spoiled the instance; this removes `file`, too
  VALETKEY_TRY(auto* const probe, writer());
  VALETKEY_CHECK(probe->write_sample());
  return std::nullopt;
}

// Rows that could not be written rest as the records they were.
Result<void> Exporter::erase_set_aside(const std::function<bool(const events::Event&)>& wanted,
                                       std::vector<std::string>& unreadable) {
  std::vector<std::string> gone;
  VALETKEY_CHECK(for_each_object(store_, std::string(kSetAsidePrefix),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   auto record = read_object(store_, info.key);
                                   if (!record && record.error().code != ErrorCode::corrupt)
                                     return std::unexpected(record.error());
                                   if (!record) {
                                     unreadable.push_back(info.key);
                                     return {};
                                   }
                                   events::Event event;
                                   std::size_t at = 0;
                                   if (events::decode_event(*record, at, event) && wanted(event))
                                     gone.push_back(info.key);
                                   return {};
                                 }));
  return remove_objects(store_, std::move(gone));
}

}  // namespace valetkey::exporter
