// SPDX-License-Identifier: Apache-2.0
// Parquet footers: how many rows a file has, of what schema, what its statistics say, and the rewriting that makes a
// part look as the export's readers expect. Every byte is taken as hostile. Pure but for the reading
// callback. Source: https://parquet.apache.org/docs/file-format/metadata/ (FileMetaData in
// parquet.thrift)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "layout/part_statistics.h"
#include "layout/partition.h"

namespace valetkey::exporter {

inline constexpr std::size_t kMaxFooterBytes = 16 << 20;

// A node of the schema, in the depth-first order of the file; the first one is the root.
struct SchemaElement {
  std::string name;
  std::optional<std::int32_t> type;  // physical: 0 BOOLEAN, 2 INT64, 5 DOUBLE, 6 BYTE_ARRAY, …
  std::optional<std::int32_t> repetition;      // 0 REQUIRED, 1 OPTIONAL, 2 REPEATED
  std::optional<std::int32_t> converted_type;  // 0 UTF8, 1 MAP, 3 LIST, 9 TIMESTAMP_MILLIS, …
  std::int32_t children = 0;
  bool has_logical_type = false;
  std::optional<bool>
      is_utc;  // of a logical type that is a timestamp: an instant, not a local time
  std::optional<std::int32_t> field_id;
  friend bool operator==(const SchemaElement&, const SchemaElement&) = default;
};

struct ParquetFooter {
  std::uint64_t rows = 0;
  std::vector<SchemaElement> schema;
};

// Reads the FileMetaData alone. `corrupt` for anything malformed, negative, or whose row groups do
// not add up to its rows.
Result<ParquetFooter> parse_parquet_footer(std::string_view file_metadata);

// Exactly out.size() bytes at `offset`.
using ReadAt = std::function<Result<void>(std::uint64_t offset, std::span<char> out)>;
// The FileMetaData of a file of `size` bytes. `corrupt`: no Parquet file, or a footer above the
// limit.
Result<std::string> read_parquet_footer(std::uint64_t size, const ReadAt& read_at);
Result<std::uint64_t> count_parquet_rows(std::uint64_t size, const ReadAt& read_at);

// For each element of a schema, how layout/fields.h names it: "attributes.element.id"; empty: of the root, and of the
// groups in between that lists and maps have.
std::vector<std::string> field_paths(const std::vector<SchemaElement>& schema);

// The statistics of a part's rows that its footer holds. The timestamps of a file with field ids of its own count as
// other ones: readers of tables would take its columns for others.
Result<layout::PartStatistics> read_part_statistics(layout::RowType type,
                                                    std::string_view file_metadata);
Result<layout::PartStatistics> read_part_statistics(layout::RowType type, std::uint64_t size,
                                                    const ReadAt& read_at);
// Whether the part has only columns of the export: others would be lost if it were written anew.
Result<bool> has_only_known_columns(layout::RowType type, std::uint64_t size,
                                    const ReadAt& read_at);

// The footer that a part is published with. Instants become INT64 TIMESTAMP_MICROS or TIMESTAMP_MILLIS without a logical
// type, which readers take as UTC; integers lose their converted type, strings keep UTF8 and lose their logical type, as
// in the exports that consumers know. With microseconds, part format 2, all that layout/fields.h names gets its field id.
Result<std::string> rewrite_parquet_footer(layout::RowType type, layout::TimestampUnit unit,
                                           std::string_view file_metadata);

}  // namespace valetkey::exporter
