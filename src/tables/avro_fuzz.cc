// SPDX-License-Identifier: Apache-2.0
// Input that begins with "Obj\1" is read as an Avro file. Any other is taken as the figures of parts, which must
// come back out of their manifest as they went in.
#include <cstdint>
#include <cstdlib>

#include "base/encoding.h"
#include "tables/manifest.h"
#include "tables/testing/avro_reader.h"

namespace {

using namespace valetkey;
using namespace valetkey::tables;

class Source {
 public:
  explicit Source(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value & 0x7FFF'FFFF'FFFF'FFFF;
  }
  unsigned char byte() {
    if (rest_.empty()) return 0;
    const char taken = rest_.front();
    rest_.remove_prefix(1);
    return static_cast<unsigned char>(taken);
  }
  std::string text() {
    std::string taken(rest_.substr(0, byte() % 40));
    rest_.remove_prefix(std::min(rest_.size(), taken.size()));
    return taken;
  }

 private:
  std::string_view rest_;
};

void require(bool held) {
  if (!held) std::abort();
}

DataFile file_of(Source& from) {
  DataFile file;
  file.path = from.text();
  if (!is_utf8(file.path)) file.path = hex(file.path);
  file.size = from.number();
  file.added = from.number();
  file.statistics.rows = from.number();
  for (std::int32_t id = 1; id < from.byte() % 24; ++id) {
    layout::ColumnStatistics column;
    column.id = id;
    if (from.byte() % 2 == 0) column.nulls = from.number();
    std::string one = from.text(), other = from.text();
    if (other < one) std::swap(one, other);
    if (!is_utf8(one) || !is_utf8(other))
      column.bounds = {static_cast<std::int64_t>(id), static_cast<std::int64_t>(from.number())};
    else
      column.bounds = {one, other, from.byte() % 2 == 0};
    require(cut_below(one) <= one);
    if (const auto above = cut_above(other)) require(*above >= other);
    file.statistics.columns.push_back(std::move(column));
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.starts_with("Obj\1")) {
    (void)read_avro(input);
    return 0;
  }
  Source from(input);
  const auto type = from.byte() % 2 == 0 ? layout::RowType::decisions : layout::RowType::events;
  std::vector<ManifestWriter> writers;
  for (int spec = 0; spec < kSpecs; ++spec) writers.emplace_back(schema_of(type), spec);
  std::vector<std::vector<DataFile>> files(kSpecs);
  for (int i = 0; !from.empty() && i < 100; ++i) {
    DataFile file = file_of(from);
    const PartitionValues values = partition_of(type, file.statistics);
    writers[values.spec].add(file, values);
    files[values.spec].push_back(std::move(file));
  }
  std::vector<ManifestRow> rows;
  for (int spec = 0; spec < kSpecs; ++spec) {
    const auto made = writers[spec].finish();
    const auto read = read_avro(made.bytes);
    require(read.has_value() && read->rows.size() == files[spec].size());
    for (std::size_t i = 0; i < files[spec].size(); ++i) {
      const auto& entry = read->rows[i].at("data_file").as_object();
      const DataFile& file = files[spec][i];
      require(entry.at("file_path").as_string() == file.path);
      require(entry.at("record_count").to_number<std::uint64_t>() == file.statistics.rows);
      require(entry.at("lower_bounds").as_array().size() == file.statistics.columns.size());
    }
    rows.push_back(made.row);
  }
  const auto list = read_avro(manifest_list(rows, 7));
  require(list.has_value() && list->rows.size() == kSpecs);
  return 0;
}
