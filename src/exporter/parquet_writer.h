// SPDX-License-Identifier: Apache-2.0
// Rows of a batch into Parquet files, by DuckDB: one file for each partition of a stretch of the
// plan. The files hold plaintext and lie in the writer's private folder; the caller removes them.
// For one thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "duckdb/database.h"
#include "exporter/rows.h"
#include "layout/part_statistics.h"

namespace valetkey::exporter {

struct ParquetFile {
  std::filesystem::path path;
  std::uint32_t partition = 0;  // index into RowIndex::partitions
  std::uint64_t rows = 0;
  layout::PartStatistics statistics;
};

// Of a part: where a row stands in it, and what tells its event from others.
struct UuidRow {
  std::uint64_t number = 0;
  std::string_view uuid;
  std::int64_t received = 0;  // in microseconds
};
using EachUuid = std::function<Result<void>(const UuidRow&)>;

class ParquetWriter {
 public:
  // `options.folder` is wiped.
  static Result<std::unique_ptr<ParquetWriter>> open(duckdb::Options options);
  ~ParquetWriter();
  // What files are written with from now on: microseconds and field ids (part format 2), or milliseconds (1).
  void set_timestamps(layout::TimestampUnit unit) { timestamps_ = unit; }

  // Writes rows[begin, end) of the plan, all of one type and of at most 500 partitions. The files
  // are there until the next call.
  Result<std::vector<ParquetFile>> write(std::string_view records, const RowIndex& index,
                                         std::size_t begin, std::size_t end);
  // Merges files of one type into one, in the order given (with one thread), leaving out rows that
  // the visitor made, if any. Memory holds a row group, whatever the files hold.
  Result<ParquetFile> merge(layout::RowType type, const std::vector<std::filesystem::path>& files,
                            std::string_view without_visitor_sha256 = {});
  // One file without these rows, by their number in it.
  Result<ParquetFile> without_rows(layout::RowType type, const std::filesystem::path& file,
                                   const std::vector<std::uint64_t>& rows);
  Result<void> for_each_uuid(const std::filesystem::path& file, const EachUuid& each);
  // Writes and removes a row that is known to be good: an error is not the rows' fault.
  Result<void> write_sample();
  // A fresh name in the private folder, for a file that merge() is to read.
  std::filesystem::path make_path();

  static constexpr std::size_t kMaxPartitions = 500;

 private:
  ParquetWriter(duckdb::Options options, std::unique_ptr<duckdb::Database> duckdb);
  Result<void> add_tables();
  std::filesystem::path parts_folder() const;
  Result<ParquetFile> copy(layout::RowType type, const std::string& rows);
  Result<std::vector<ParquetFile>> copy_parts(layout::RowType type, const RowIndex& index,
                                              std::uint32_t first);
  Result<ParquetFile> finish_file(layout::RowType type, const std::filesystem::path& path,
                                  std::uint32_t partition);

  duckdb::Options options_;
  std::unique_ptr<duckdb::Database> duckdb_;
  layout::TimestampUnit timestamps_ = layout::TimestampUnit::microseconds;
  std::unique_ptr<RowReader> reader_;              // of the statement that runs
  std::vector<std::filesystem::path> handed_out_;  // by the last write()
  std::uint64_t next_name_ = 0;
};

}  // namespace valetkey::exporter
