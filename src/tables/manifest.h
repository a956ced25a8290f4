// SPDX-License-Identifier: Apache-2.0
// Iceberg's manifests, manifest lists and table metadata, made of plain figures. Pure, and the same figures give
// the same bytes, so all of it can be made again whenever an engine asks for it.
// Source: https://iceberg.apache.org/spec/#manifests, format version 2
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/timestamp.h"
#include "tables/avro.h"
#include "tables/schema.h"

namespace valetkey::tables {

struct DataFile {
  std::string path;  // s3://bucket/key, the key as it is
  std::uint64_t size = 0;
  std::uint64_t added = 0;  // the generation since which it is there
  layout::PartStatistics statistics;
};

// Iceberg's binary form of a value.
std::string binary(const layout::BoundValue& value);
std::string binary_day(std::int32_t day);

// A bound of text as Iceberg cuts it: the first 16 characters, for an upper one raised at its end; nothing where it
// cannot be raised.
std::string_view cut_below(std::string_view least);
std::optional<std::string> cut_above(std::string_view greatest);

// What a manifest list says of one manifest.
struct ManifestRow {
  std::string path;
  std::uint64_t length = 0;
  int spec = 2;
  std::uint64_t files = 0;
  std::uint64_t rows = 0;
  std::uint64_t min_added = 0, max_added = 0;
  std::optional<std::int32_t> first_day{}, last_day{};
  bool null_split = false;
  std::optional<std::string> first_split{}, last_split{};
};

class ManifestWriter {
 public:
  ManifestWriter(const TableSchema& schema, int spec);
  // `values`: partition_of() of the part, and of this spec.
  void add(const DataFile& file, const PartitionValues& values);
  std::uint64_t files() const { return row_.files; }
  struct Made {
    std::string bytes;
    ManifestRow row;  // but for its path
  };
  Made finish();  // the last call

 private:
  void write_counts(const DataFile& file, bool of_nulls);
  void write_bounds(const DataFile& file, bool lower);
  void sum_up(const DataFile& file, const PartitionValues& values);

  AvroWriter avro_;
  ManifestRow row_;
  std::vector<std::pair<std::int32_t, std::string>> bounds_;  // of one entry; kept for its memory
};

std::string manifest_list(const std::vector<ManifestRow>& rows, std::uint64_t snapshot);

struct Totals {
  std::uint64_t files = 0, rows = 0, bytes = 0;
};

// What metadata.json says beside what never changes.
struct TableState {
  std::string location;  // s3://bucket/v1/account_id=…/type=…
  std::uint64_t snapshot = 0;
  Timestamp changed;
  Totals totals;
  std::string list_path;
};
std::string table_metadata(const TableSchema& schema, const TableState& state);

}  // namespace valetkey::tables
