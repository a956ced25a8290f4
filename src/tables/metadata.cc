// SPDX-License-Identifier: Apache-2.0
// The table's metadata.json.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tables/manifest.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;

json::object snapshot_of(const TableState& state) {
  return {{"snapshot-id", state.snapshot},
          {"sequence-number", state.snapshot},
          {"timestamp-ms", epoch_ms(state.changed)},
          {"schema-id", 0},
          {"manifest-list", state.list_path},
          {"summary",
           {{"operation", "append"},
            {"total-data-files", std::to_string(state.totals.files)},
            {"total-records", std::to_string(state.totals.rows)},
            {"total-files-size", std::to_string(state.totals.bytes)},
            {"total-delete-files", "0"},
            {"total-position-deletes", "0"},
            {"total-equality-deletes", "0"}}}};
}

json::array specs_of(const TableSchema& schema) {
  json::array specs;
  for (int spec = 0; spec < kSpecs; ++spec)
    specs.push_back(
        json::object{{"spec-id", spec}, {"fields", json::parse(schema.spec_fields(spec))}});
  return specs;
}

}  // namespace

std::string table_metadata(const TableSchema& schema, const TableState& state) {
  const std::int64_t changed = epoch_ms(state.changed);
  return json::serialize(json::object{
      {"format-version", 2},
      {"table-uuid", layout::uuid_of(state.location)},
      {"location", state.location},
      {"last-sequence-number", state.snapshot},
      {"last-updated-ms", changed},
      {"last-column-id", schema.last_id},
      {"current-schema-id", 0},
      {"schemas", json::array{json::parse(schema.iceberg)}},
      {"default-spec-id", 0},
      {"partition-specs", specs_of(schema)},
      {"last-partition-id", 1001},
      {"default-sort-order-id", 0},
      {"sort-orders", json::array{json::object{{"order-id", 0}, {"fields", json::array()}}}},
      {"properties",
       {{"schema.name-mapping.default", schema.name_mapping}, {"write.format.default", "parquet"}}},
      {"current-snapshot-id", state.snapshot},
      {"refs", {{"main", {{"snapshot-id", state.snapshot}, {"type", "branch"}}}}},
      {"snapshots", json::array{snapshot_of(state)}},
      {"snapshot-log",
       json::array{json::object{{"timestamp-ms", changed}, {"snapshot-id", state.snapshot}}}},
      {"metadata-log", json::array()}});
}

}  // namespace valetkey::tables
