// SPDX-License-Identifier: Apache-2.0
#include "exporter/rewriting.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/log.h"
#include "exporter/internal/scratch.h"
#include "exporter/part_publisher.h"
#include "exporter/part_reading.h"
#include "layout/part_key.h"
#include "storage/part_catalog.h"

namespace valetkey::exporter {
namespace {

std::unexpected<Error> leave(const storage::ObjectInfo& part, std::string_view why) {
  return fail(ErrorCode::invalid, part.key + " " + std::string(why));
}

// Of a part whose columns are all known, so that none is lost.
Result<layout::PartKey> check_part(const storage::ObjectInfo& part,
                                   const std::filesystem::path& file) {
  const auto key = layout::PartKey::parse(part.key);
  if (!key) return leave(part, "has no name of a part");
  VALETKEY_TRY(const auto fd, open_file(file, O_RDONLY));
  VALETKEY_TRY(const bool known, has_only_known_columns(key->name.folder.type, part.size,
                                                        [&](std::uint64_t at, std::span<char> out) {
                                                          return read_exactly(fd.get(), at, out,
                                                                              part.key);
                                                        }));
  if (!known) return leave(part, "has columns that no export has");
  return *key;
}

}  // namespace

Result<bool> Rewriting::rewrite_some(std::size_t limit) {
  VALETKEY_TRY(const bool asked, parts_.ledger.rewriting());
  if (!asked) return false;
  auto* const catalog = parts_.store.part_catalog();
  VALETKEY_TRY(const auto unit, parts_.timestamps());
  if (catalog == nullptr || unit != layout::TimestampUnit::microseconds) {
    VALETKEY_CHECK(finish());
    return false;
  }
  VALETKEY_TRY(const auto unread, read_unread_parts(parts_.store, limit));
  if (unread > 0) {  // they may be among those to be rewritten, and lie before where this stands
    again_ = again_ || !after_.empty();
    return true;
  }
  VALETKEY_TRY(const auto parts, catalog->parts_without_microseconds(after_, limit));
  for (const auto& part : parts) {
    after_ = part.key;
    const auto done = rewrite(part);
    if (done) continue;
    // What cannot be rewritten stays as it was, and so do the tables of its account. Anything else is tried again.
    const auto code = done.error().code;
    if (code != ErrorCode::invalid && code != ErrorCode::corrupt)
      return std::unexpected(done.error());
    ++left_;
    log::error("exporter", "a part cannot be rewritten and is left as it was",
               {{"object", part.key}, {"why", done.error().detail}});
  }
  if (!parts.empty()) return true;
  if (std::exchange(again_, false)) {
    after_.clear();
    left_ = 0;
    return true;
  }
  VALETKEY_CHECK(finish());
  return false;
}

Result<void> Rewriting::finish() {
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  VALETKEY_CHECK(parts_.ledger.finish_rewrite(lease));
  log::info("exporter", "the rewriting of parts is done", {{"left as they were", left_}});
  after_.clear();
  left_ = 0;
  return {};
}

Result<void> Rewriting::rewrite(const storage::ObjectInfo& part) {
  VALETKEY_TRY(auto* parquet, parts_.writer());
  Scratch scratch;
  const auto file = scratch.add(parquet->make_path());
  if (auto fetched = fetch_object(parts_.store, part.key, file); !fetched)
    return fetched.error().code == ErrorCode::not_found ? Result<void>() : fetched;
  VALETKEY_TRY(const auto key, check_part(part, file));
  auto rewritten = parquet->merge(key.name.folder.type, {file});
  if (!rewritten) {
    parts_.drop_writer();  // a failure may have spoiled the instance; this removes `file`, too
    VALETKEY_TRY(parquet, parts_.writer());
    VALETKEY_CHECK(parquet->write_sample());
    return leave(part, "cannot be read by DuckDB: " + rewritten.error().detail);
  }
  scratch.add(rewritten->path);
  if (part.rows && rewritten->rows != *part.rows)
    return fail(ErrorCode::corrupt, part.key + " has other rows than were counted");
  PartPublisher publisher(parts_.store, parts_.clock.now());
  return publisher.replace(successor_key(key.folder(), "rewritten " + part.key + " " + part.etag),
                           *rewritten, {part.key},
                           parts_.clock.now() + parts_.options.readable_after);
}

}  // namespace valetkey::exporter
