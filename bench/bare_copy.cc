// SPDX-License-Identifier: Apache-2.0
// The floor under an export: DuckDB alone, from NDJSON to partitioned Parquet, neither
// de-duplicated nor encrypted. Prints seconds. Reads FOLDER/decisions.ndjson and
// conversions.ndjson. usage: bare_copy LIBRARY FOLDER MEMORY_LIMIT_MIB THREADS
#include <fmt/format.h>

#include <chrono>

#include "exporter/rows.h"
#include "fill.h"

namespace valetkey::bench {
namespace {

using duckdb::Column;

std::string type_of(const Column& column) {
  switch (column.kind) {
    case Column::Kind::text:
      return "VARCHAR";
    case Column::Kind::int64:
      return "BIGINT";
    case Column::Kind::int32:
      return "INTEGER";
    case Column::Kind::float64:
      return "DOUBLE";
    case Column::Kind::boolean:
      return "BOOLEAN";
    case Column::Kind::map_of_text:
      return "MAP(VARCHAR, VARCHAR)";
    case Column::Kind::list_of_struct:
      break;
  }
  std::string fields;
  for (const auto& field : column.fields)
    fields += fmt::format("{}\"{}\" {}", fields.empty() ? "" : ", ", field.name, type_of(field));
  return "STRUCT(" + fields + ")[]";
}

std::string copy_of(const std::string& folder, const char* name, layout::RowType type,
                    const char* partition) {
  std::string columns;
  for (const auto& column : exporter::columns_of(type, false))
    columns +=
        fmt::format("{}'{}': '{}'", columns.empty() ? "" : ", ", column.name, type_of(column));
  return fmt::format(
      "COPY (SELECT *, {2} AS partition FROM read_json('{0}/{1}.ndjson', "
      "format='newline_delimited', columns={{{3}}})) TO '{0}/{1}' (FORMAT parquet, COMPRESSION "
      "snappy, PARTITION_BY (partition), WRITE_PARTITION_COLUMNS false)",
      folder, name, partition, columns);
}

}  // namespace
}  // namespace valetkey::bench

int main(int argc, char** argv) {
  using namespace valetkey;
  using namespace valetkey::bench;
  if (argc != 5) {
    std::fputs("usage: bare_copy LIBRARY FOLDER MEMORY_LIMIT_MIB THREADS\n", stderr);
    return 2;
  }
  const std::string folder = argv[2];
  const auto duckdb = must(duckdb::Database::open(
      {.library = argv[1],
       .folder = folder,
       .memory_limit_mib = std::strtoul(argv[3], nullptr, 10),
       .threads = static_cast<unsigned>(std::strtoul(argv[4], nullptr, 10))}));
  const auto start = std::chrono::steady_clock::now();
  must(duckdb->run(copy_of(folder, "decisions", layout::RowType::decisions, "experiment_id")));
  must(duckdb->run(copy_of(folder, "conversions", layout::RowType::events, "event_name")));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{:.6f}\n", took.count());
}
