// SPDX-License-Identifier: Apache-2.0
#include "tables/manifest.h"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "base/encoding.h"

namespace valetkey::tables {
namespace {

constexpr std::size_t kBoundCharacters = 16;

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string out(bytes, '\0');
  for (char& byte : out) {
    byte = static_cast<char>(value & 0xFF);
    value >>= 8;
  }
  return out;
}

std::string optional_field(std::string_view name, std::string_view type, int id) {
  return fmt::format(R"({{"name":"{}","type":["null",{}],"default":null,"field-id":{}}})", name,
                     type, id);
}

// A map from field ids, which Avro can only say as an array of records.
std::string map_field(std::string_view name, int id, int key, int value, std::string_view type) {
  return optional_field(
      name,
      fmt::format(
          R"({{"type":"array","logicalType":"map","items":{{"type":"record","name":"k{0}_v{1}","fields":[)"
          R"({{"name":"key","type":"int","field-id":{0}}},{{"name":"value","type":"{2}","field-id":{1}}}]}}}})",
          key, value, type),
      id);
}

std::string partition_fields(const TableSchema& schema, int spec) {
  std::string out;
  if (spec < 2)
    out += optional_field("process_timestamp_day", R"({"type":"int","logicalType":"date"})", 1000);
  if (spec < 1)
    (out += ',') += optional_field(layout::partition_column(schema.type), R"("string")", 1001);
  return out;
}

std::string entry_schema(const TableSchema& schema, int spec) {
  std::string out =
      R"({"type":"record","name":"manifest_entry","fields":[{"name":"status","type":"int","field-id":0},)";
  out += optional_field("snapshot_id", R"("long")", 1) + ',';
  out += optional_field("sequence_number", R"("long")", 3) + ',';
  out += optional_field("file_sequence_number", R"("long")", 4);
  out += R"(,{"name":"data_file","field-id":2,"type":{"type":"record","name":"r2","fields":[)"
         R"({"name":"content","type":"int","field-id":134},)"
         R"({"name":"file_path","type":"string","field-id":100},)"
         R"({"name":"file_format","type":"string","field-id":101},)"
         R"({"name":"partition","field-id":102,"type":{"type":"record","name":"r102","fields":[)";
  out += partition_fields(schema, spec);
  out += R"(]}},{"name":"record_count","type":"long","field-id":103},)"
         R"({"name":"file_size_in_bytes","type":"long","field-id":104},)";
  out += map_field("value_counts", 109, 119, 120, "long") + ',';
  out += map_field("null_value_counts", 110, 121, 122, "long") + ',';
  out += map_field("lower_bounds", 125, 126, 127, "bytes") + ',';
  out += map_field("upper_bounds", 128, 129, 130, "bytes") + ',';
  out +=
      optional_field("split_offsets", R"({"type":"array","items":"long","element-id":133})", 132) +
      ',';
  out += optional_field("sort_order_id", R"("int")", 140);
  return out += "]}}]}";
}

std::string list_schema() {
  std::string out = R"({"type":"record","name":"manifest_file","fields":[)";
  constexpr std::string_view kPlain[][3] = {
      {"manifest_path", "string", "500"},     {"manifest_length", "long", "501"},
      {"partition_spec_id", "int", "502"},    {"content", "int", "517"},
      {"sequence_number", "long", "515"},     {"min_sequence_number", "long", "516"},
      {"added_snapshot_id", "long", "503"},   {"added_files_count", "int", "504"},
      {"existing_files_count", "int", "505"}, {"deleted_files_count", "int", "506"},
      {"added_rows_count", "long", "512"},    {"existing_rows_count", "long", "513"},
      {"deleted_rows_count", "long", "514"}};
  for (const auto& [name, type, id] : kPlain)
    out += fmt::format(R"({{"name":"{}","type":"{}","field-id":{}}},)", name, type, id);
  std::string summary =
      R"({"type":"array","element-id":508,"items":{"type":"record","name":"r508","fields":[)"
      R"({"name":"contains_null","type":"boolean","field-id":509},)";
  summary += optional_field("contains_nan", R"("boolean")", 518) + ',';
  summary += optional_field("lower_bound", R"("bytes")", 510) + ',';
  summary += optional_field("upper_bound", R"("bytes")", 511) + "]}}";
  return out + optional_field("partitions", summary, 507) + "]}";
}

std::vector<std::pair<std::string, std::string>> manifest_header(const TableSchema& schema,
                                                                 int spec) {
  return {{"schema", schema.iceberg},
          {"schema-id", "0"},
          {"partition-spec", schema.spec_fields(spec)},
          {"partition-spec-id", std::to_string(spec)},
          {"format-version", "2"},
          {"content", "data"}};
}

void write_summary(AvroWriter& avro, bool null, const std::optional<std::string>& lower,
                   const std::optional<std::string>& upper) {
  avro.boolean(null).some(true).boolean(false);
  avro.some(lower.has_value());
  if (lower) avro.text(*lower);
  avro.some(upper.has_value());
  if (upper) avro.text(*upper);
}

void write_summaries(AvroWriter& avro, const ManifestRow& row) {
  const auto fields = static_cast<std::size_t>(2 - row.spec);
  avro.some(true).begin_items(fields);
  const auto day = [](std::optional<std::int32_t> of) {
    return of ? std::optional(binary_day(*of)) : std::nullopt;
  };
  if (row.spec < 2) write_summary(avro, false, day(row.first_day), day(row.last_day));
  if (row.spec < 1) write_summary(avro, row.null_split, row.first_split, row.last_split);
  avro.end_items();
}

std::int64_t as_signed(std::uint64_t value) { return static_cast<std::int64_t>(value); }

template <class Value>
void widen(std::optional<Value>& least, std::optional<Value>& greatest, const Value& value) {
  if (!least || value < *least) least = value;
  if (!greatest || *greatest < value) greatest = value;
}

}  // namespace

std::string binary(const layout::BoundValue& value) {
  struct Binary {
    std::string operator()(bool of) const { return std::string(1, of ? '\1' : '\0'); }
    std::string operator()(std::int64_t of) const {
      return little_endian(static_cast<std::uint64_t>(of), 8);
    }
    std::string operator()(double of) const {
      return little_endian(std::bit_cast<std::uint64_t>(of), 8);
    }
    std::string operator()(const std::string& of) const { return of; }
  };
  return std::visit(Binary(), value);
}

std::string binary_day(std::int32_t day) {
  return little_endian(static_cast<std::uint32_t>(day), 4);
}

std::string_view cut_below(std::string_view least) {
  if (least.size() <= kBoundCharacters) return least;
  std::size_t end = 0;
  for (std::size_t i = 0; i < kBoundCharacters && end < least.size(); ++i)
    end += std::max<std::size_t>(1, utf8_sequence(least.substr(end)));
  return least.substr(0, end);
}

std::optional<std::string> cut_above(std::string_view greatest) {
  const std::string_view cut = cut_below(greatest);
  if (cut.size() == greatest.size()) return std::string(cut);
  return layout::raised(cut);
}

ManifestWriter::ManifestWriter(const TableSchema& schema, int spec)
    : avro_(entry_schema(schema, spec), manifest_header(schema, spec)) {
  row_.spec = spec;
}

// Every entry is "existing" and says its numbers, so that nothing is inherited from the list.
void ManifestWriter::add(const DataFile& file, const PartitionValues& values) {
  const layout::PartStatistics& part = file.statistics;
  avro_.integer(0).some(true).integer(as_signed(file.added));
  avro_.some(true).integer(as_signed(file.added)).some(true).integer(as_signed(file.added));
  avro_.integer(0).text(file.path).text("PARQUET");
  if (row_.spec < 2) avro_.some(true).integer(values.day);
  if (row_.spec < 1) {
    avro_.some(values.split.has_value());
    if (values.split) avro_.text(*values.split);
  }
  avro_.integer(as_signed(part.rows)).integer(as_signed(file.size));
  write_counts(file, false);
  write_counts(file, true);
  write_bounds(file, true);
  write_bounds(file, false);
  avro_.some(!part.row_groups.empty());
  if (!part.row_groups.empty()) {
    avro_.begin_items(part.row_groups.size());
    for (const std::uint64_t offset : part.row_groups) avro_.integer(as_signed(offset));
    avro_.end_items();
  }
  avro_.some(true).integer(0);
  avro_.end_row();
  sum_up(file, values);
}

void ManifestWriter::write_counts(const DataFile& file, bool of_nulls) {
  const auto& columns = file.statistics.columns;
  const auto known = std::ranges::count_if(
      columns, [](const layout::ColumnStatistics& column) { return column.nulls.has_value(); });
  avro_.some(true).begin_items(static_cast<std::size_t>(known));
  for (const layout::ColumnStatistics& column : columns)
    if (column.nulls)
      avro_.integer(column.id).integer(as_signed(of_nulls ? *column.nulls : file.statistics.rows));
  avro_.end_items();
}

void ManifestWriter::write_bounds(const DataFile& file, bool lower) {
  bounds_.clear();
  for (const layout::ColumnStatistics& column : file.statistics.columns) {
    if (!column.bounds) continue;
    const layout::BoundValue& value = lower ? column.bounds->lower : column.bounds->upper;
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr)
      bounds_.emplace_back(column.id, binary(value));
    else if (lower)
      bounds_.emplace_back(column.id, cut_below(*text));
    else if (auto above = cut_above(*text))
      bounds_.emplace_back(column.id, std::move(*above));
  }
  avro_.some(true).begin_items(bounds_.size());
  for (const auto& [id, bytes] : bounds_) avro_.integer(id).text(bytes);
  avro_.end_items();
}

void ManifestWriter::sum_up(const DataFile& file, const PartitionValues& values) {
  row_.min_added = row_.files == 0 ? file.added : std::min(row_.min_added, file.added);
  row_.max_added = std::max(row_.max_added, file.added);
  ++row_.files;
  row_.rows += file.statistics.rows;
  if (row_.spec < 2) widen(row_.first_day, row_.last_day, values.day);
  if (row_.spec < 1) {
    if (values.split)
      widen(row_.first_split, row_.last_split, *values.split);
    else
      row_.null_split = true;
  }
}

ManifestWriter::Made ManifestWriter::finish() {
  Made made{avro_.finish(), std::move(row_)};
  made.row.length = made.bytes.size();
  return made;
}

std::string manifest_list(const std::vector<ManifestRow>& rows, std::uint64_t snapshot) {
  const std::string number = std::to_string(snapshot);
  AvroWriter avro(list_schema(), {{"snapshot-id", number},
                                  {"parent-snapshot-id", "null"},
                                  {"sequence-number", number},
                                  {"format-version", "2"}});
  for (const ManifestRow& row : rows) {
    avro.text(row.path).integer(as_signed(row.length)).integer(row.spec).integer(0);
    avro.integer(as_signed(row.max_added)).integer(as_signed(row.min_added));
    avro.integer(as_signed(row.max_added));
    avro.integer(0).integer(as_signed(row.files)).integer(0);
    avro.integer(0).integer(as_signed(row.rows)).integer(0);
    write_summaries(avro, row);
    avro.end_row();
  }
  return avro.finish();
}

}  // namespace valetkey::tables
