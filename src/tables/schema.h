// SPDX-License-Identifier: Apache-2.0
// The two tables as Iceberg and Delta Sharing describe them, and how Iceberg partitions them. Pure.
// Source: layout/fields.h; https://iceberg.apache.org/spec/#schemas-and-data-types
#pragma once

#include <string>
#include <string_view>

#include "layout/fields.h"
#include "layout/part_statistics.h"

namespace valetkey::tables {

// The partition specs: 0 = [day, experiment or event], 1 = [day], 2 = []. A part goes under the
// first whose values all its rows share, whatever its folder is called.
inline constexpr int kSpecs = 3;

struct TableSchema {
  layout::RowType type = layout::RowType::decisions;
  std::string iceberg;       // the schema, as JSON
  std::string name_mapping;  // schema.name-mapping.default, as JSON: for parts without field ids
  std::string spark;         // schemaString of Delta Sharing, as JSON: `date` first
  int last_id = 0;           // of a field
  int time_id = 0;           // of the column that gives the day
  int split_id = 0;          // of the one that splits it

  // The fields of a spec, as JSON.
  std::string spec_fields(int spec) const;
};

const TableSchema& schema_of(layout::RowType type);

// The values that all rows of a part share.
struct PartitionValues {
  int spec = 2;
  std::int32_t day = 0;                // since 1970, of specs 0 and 1
  std::optional<std::string> split{};  // of spec 0; none: NULL
  friend bool operator==(const PartitionValues&, const PartitionValues&) = default;
};
PartitionValues partition_of(layout::RowType type, const layout::PartStatistics& part);

}  // namespace valetkey::tables
