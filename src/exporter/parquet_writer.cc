// SPDX-License-Identifier: Apache-2.0
#include "exporter/parquet_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/file.h"
#include "base/text.h"
#include "exporter/parquet_footer.h"
#include "layout/fields.h"

namespace valetkey::exporter {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTable[] = {"decision_rows", "conversion_rows"};
std::string_view table_of(layout::RowType type) {
  return kTable[type == layout::RowType::events ? 1 : 0];
}
// Of a merged file, as its rows lie in memory: 25,000 rows of a visitor with 20 attributes.
constexpr unsigned kRowGroupMib = 32;

// Replaces the footer at the end of the file.
Result<layout::PartStatistics> conform_file(const fs::path& path, layout::RowType type,
                                            layout::TimestampUnit unit) {
  VALETKEY_TRY(const auto fd, open_file(path, O_RDWR));
  const auto size = fs::file_size(path);
  const auto read_at = [&](std::uint64_t offset, std::span<char> out) {
    return read_exactly(fd.get(), offset, out, path.string());
  };
  VALETKEY_TRY(const auto former, read_parquet_footer(size, read_at));
  VALETKEY_TRY(auto tail, rewrite_parquet_footer(type, unit, former));
  VALETKEY_TRY(auto statistics, read_part_statistics(type, tail));
  const auto length = tail.size();
  for (int shift = 0; shift < 32; shift += 8) tail.push_back(static_cast<char>(length >> shift));
  tail += "PAR1";
  const auto start = static_cast<off_t>(size - 8 - former.size());
  if (ftruncate(fd.get(), start) != 0 || lseek(fd.get(), start, SEEK_SET) != start)
    return fail_errno(path.string());
  VALETKEY_CHECK(write_all(fd.get(), tail, path.string()));
  return statistics;
}

// "partition=17" -> 17
std::optional<std::uint32_t> partition_of(const fs::path& folder) {
  const auto name = folder.filename().string();
  constexpr std::string_view kPrefix = "partition=";
  std::uint32_t number = 0;
  const char* end = name.data() + name.size();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

}  // namespace

ParquetWriter::ParquetWriter(duckdb::Options options, std::unique_ptr<duckdb::Database> duckdb)
    : options_(std::move(options)), duckdb_(std::move(duckdb)) {}

ParquetWriter::~ParquetWriter() {
  duckdb_.reset();
  std::error_code ignored;
  fs::remove_all(options_.folder, ignored);
}

Result<std::unique_ptr<ParquetWriter>> ParquetWriter::open(duckdb::Options options) {
  std::error_code error;
  fs::remove_all(options.folder, error);
  VALETKEY_CHECK(make_folders(options.folder));
  // Else DuckDB ends row groups by their rows alone, whatever these take. One thread keeps the order.
  options.settings.emplace_back("SET preserve_insertion_order=false");
  VALETKEY_TRY(auto duckdb, duckdb::Database::open(options));
  auto writer =
      std::unique_ptr<ParquetWriter>(new ParquetWriter(std::move(options), std::move(duckdb)));
  VALETKEY_CHECK(writer->add_tables());
  return writer;
}

Result<void> ParquetWriter::add_tables() {
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    VALETKEY_CHECK(duckdb_->add_table(std::string(table_of(type)), columns_of(type, true),
                                      [this](duckdb::RowChunk& chunk) -> Result<std::uint64_t> {
                                        if (!reader_) return 0;
                                        return reader_->fill(chunk);
                                      }));
  return {};
}

fs::path ParquetWriter::make_path() { return options_.folder / fmt::format("{}", next_name_++); }

Result<ParquetFile> ParquetWriter::finish_file(layout::RowType type, const fs::path& path,
                                               std::uint32_t partition) {
  VALETKEY_TRY(auto statistics, conform_file(path, type, timestamps_));
  const auto rows = statistics.rows;
  return ParquetFile{path, partition, rows, std::move(statistics)};
}

Result<std::vector<ParquetFile>> ParquetWriter::write(std::string_view records,
                                                      const RowIndex& index, std::size_t begin,
                                                      std::size_t end) {
  if (begin == end) return std::vector<ParquetFile>{};
  const auto type = index.partitions[index.rows[begin].partition].type;
  for (const auto& left : handed_out_) {
    std::error_code ignored;
    fs::remove(left, ignored);  // its taker failed, or it is gone as it should
  }
  handed_out_.clear();
  reader_ = std::make_unique<RowReader>(type, timestamps_, records, index, begin, end);
  auto files = copy_parts(type, index, index.rows[begin].partition);
  reader_.reset();
  if (!files) {
    std::error_code ignored;
    fs::remove_all(parts_folder(), ignored);
    return files;
  }
  for (const auto& file : *files) handed_out_.push_back(file.path);
  std::ranges::sort(*files, {}, &ParquetFile::partition);
  return files;
}

fs::path ParquetWriter::parts_folder() const { return options_.folder / "parts"; }

// The folders, one for each partition of a stretch, serve all stretches: making and removing one
// for each part takes a file system longer than its rows.
Result<std::vector<ParquetFile>> ParquetWriter::copy_parts(layout::RowType type,
                                                           const RowIndex& index,
                                                           std::uint32_t first) {
  VALETKEY_CHECK(duckdb_->run(fmt::format(
      "COPY (SELECT * REPLACE (partition % {} AS partition) FROM {}()) TO {} (FORMAT parquet, "
      "COMPRESSION snappy, PARTITION_BY (partition), WRITE_PARTITION_COLUMNS false, "
      "OVERWRITE_OR_IGNORE)",
      kMaxPartitions, table_of(type), sql_text(parts_folder().string()))));
  std::vector<ParquetFile> files;
  for (const auto& entry : fs::recursive_directory_iterator(parts_folder())) {
    if (!entry.is_regular_file()) continue;
    const auto place = partition_of(entry.path().parent_path());
    if (!place || *place >= kMaxPartitions)
      return fail(ErrorCode::internal, "DuckDB wrote a file where none was asked for");
    const auto partition = static_cast<std::uint32_t>(
        first + (*place + kMaxPartitions - first % kMaxPartitions) % kMaxPartitions);
    if (partition >= index.partitions.size())
      return fail(ErrorCode::internal, "DuckDB wrote a file where none was asked for");
    VALETKEY_TRY(auto file, finish_file(type, entry.path(), partition));
    files.push_back(std::move(file));
  }
  return files;
}

Result<void> ParquetWriter::write_sample() {
  events::Event event;
  event.account_id = "0";
  event.uuid = event.visitor_id = "sample";
  event.event_name = "sample";
  std::string records;
  events::encode_event(event, records);
  RowIndexer indexer(Date(), [](const Partition&) { return true; });
  indexer.add(event, 0);
  const auto index = indexer.finish();
  VALETKEY_TRY(const auto files, write(records, index, 0, index.rows.size()));
  for (const auto& file : files) fs::remove(file.path);
  return {};
}

Result<ParquetFile> ParquetWriter::merge(layout::RowType type, const std::vector<fs::path>& files,
                                         std::string_view without_visitor_sha256) {
  std::string list;
  for (const auto& file : files) list += (list.empty() ? "" : ", ") + sql_text(file.string());
  const auto where = without_visitor_sha256.empty()
                         ? std::string()
                         : " WHERE sha256(visitor_id) IS DISTINCT FROM " +
                               sql_text(std::string(without_visitor_sha256));
  return copy(type, fmt::format("read_parquet([{}], hive_partitioning=false){}", list, where));
}

Result<ParquetFile> ParquetWriter::without_rows(layout::RowType type, const fs::path& file,
                                                const std::vector<std::uint64_t>& rows) {
  return copy(type, fmt::format("read_parquet({}, hive_partitioning=false, file_row_number=true) "
                                "WHERE file_row_number NOT IN ({})",
                                sql_text(file.string()), fmt::join(rows, ",")));
}

// `rows`: what a FROM names, and which of them.
Result<ParquetFile> ParquetWriter::copy(layout::RowType type, const std::string& rows) {
  std::string columns;
  for (const auto& column : columns_of(type, false)) {
    const auto field = layout::find_field(type, column.name);
    const bool instant = field && field->kind == layout::FieldKind::instant;
    columns += columns.empty() ? "" : ", ";
    columns += instant
                   ? fmt::format("{0}(\"{1}\") AS \"{1}\"",
                                 timestamps_ == layout::TimestampUnit::microseconds ? "epoch_us"
                                                                                    : "epoch_ms",
                                 column.name)
                   : fmt::format("\"{}\"", column.name);
  }
  const auto path = make_path();
  VALETKEY_CHECK(duckdb_->run(fmt::format(
      "COPY (SELECT {} FROM {}) TO {} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE_BYTES "
      "'{}MiB')",
      columns, rows, sql_text(path.string()), kRowGroupMib)));
  return finish_file(type, path, 0);
}

Result<void> ParquetWriter::for_each_uuid(const fs::path& file, const EachUuid& each) {
  const auto number = [](const std::optional<std::string_view>& text) {
    std::int64_t n = 0;
    if (text) std::from_chars(text->data(), text->data() + text->size(), n);
    return n;
  };
  const auto look = [&](duckdb::TextRow row) -> Result<void> {
    if (!row[1]) return {};
    return each({static_cast<std::uint64_t>(number(row[0])), *row[1], number(row[2])});
  };
  return duckdb_->read(
      fmt::format(
          "SELECT file_row_number::VARCHAR, uuid, epoch_us(process_timestamp)::VARCHAR FROM "
          "read_parquet({}, hive_partitioning=false, file_row_number=true)",
          sql_text(file.string())),
      look);
}

}  // namespace valetkey::exporter
