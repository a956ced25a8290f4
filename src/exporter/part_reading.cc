// SPDX-License-Identifier: Apache-2.0
#include "exporter/part_reading.h"

#include "base/log.h"
#include "exporter/part_publisher.h"
#include "layout/part_key.h"
#include "storage/part_catalog.h"

namespace valetkey::exporter {
namespace {

// Nothing: what there is cannot be read, now or later.
Result<std::optional<layout::PartStatistics>> read_stored(storage::ObjectStore& store,
                                                          const storage::ObjectInfo& part) {
  const auto reader = store.open(part.key);
  if (!reader && reader.error().code != ErrorCode::corrupt) return std::unexpected(reader.error());
  if (!reader) return std::nullopt;
  const auto read_at = [&](std::uint64_t offset, std::span<char> out) -> Result<void> {
    return read_object_exactly(**reader, offset, out);
  };
  auto statistics = read_part(part.key, (*reader)->info().size, read_at);
  if (statistics) return std::optional(std::move(*statistics));
  if (statistics.error().code != ErrorCode::corrupt) return std::unexpected(statistics.error());
  log::warn("exporter", "a part's footer cannot be read, so tables cannot have it",
            {{"object", part.key}, {"why", statistics.error().detail}});
  return std::nullopt;
}

}  // namespace

Result<layout::PartStatistics> read_part(const std::string& key, std::uint64_t size,
                                         const ReadAt& read_at) {
  if (const auto part = layout::PartKey::parse(key))
    return read_part_statistics(part->name.folder.type, size, read_at);
  layout::PartStatistics rows;
  VALETKEY_TRY(rows.rows, count_parquet_rows(size, read_at));
  return rows;
}

Result<std::size_t> read_unread_parts(storage::ObjectStore& store, std::size_t limit) {
  auto* const catalog = store.part_catalog();
  if (catalog == nullptr) return 0;
  VALETKEY_TRY(const auto unread, catalog->unread_parts(limit));
  std::vector<storage::ReadPart> parts;
  for (const auto& part : unread) {
    auto statistics = read_stored(store, part);
    // Removed since it was listed: nothing to keep.
    if (!statistics && statistics.error().code == ErrorCode::not_found) continue;
    if (!statistics) return std::unexpected(statistics.error());
    parts.push_back({part.key, part.etag, std::move(*statistics)});
  }
  if (!parts.empty()) VALETKEY_CHECK(catalog->describe(parts));
  return parts.size();
}

}  // namespace valetkey::exporter
