// SPDX-License-Identifier: Apache-2.0
#include "tables/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>
#include <limits>

#include "base/encoding.h"
#include "tables/testing/avro_reader.h"

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::RowType;

constexpr std::int64_t kDay = 86'400'000'000;

// Ten rows of a day of process_timestamp, and of an experiment or of none.
DataFile a_part(std::string path, std::int32_t day, std::optional<std::string> experiment) {
  DataFile file{.path = std::move(path), .size = 4096, .added = 7, .statistics = {}};
  file.statistics.rows = 10;
  file.statistics.row_groups = {4, 2048};
  const std::int64_t begin = day * kDay;
  file.statistics.columns = {{1, 0, {}}, {3, 0, layout::Bounds{begin, begin + kDay - 1}}};
  if (experiment)
    file.statistics.columns.push_back({8, 0, layout::Bounds{*experiment, *experiment}});
  else
    file.statistics.columns.push_back({8, 10, {}});
  return file;
}

void add(ManifestWriter& writer, const DataFile& file, RowType type = RowType::decisions) {
  writer.add(file, partition_of(type, file.statistics));
}

AvroFile must_read(const std::string& bytes) {
  auto read = read_avro(bytes);
  EXPECT_TRUE(read.has_value()) << hex(bytes.substr(0, 64));
  return read.value_or(AvroFile());
}

TEST(Avro, KeepsIntegersOfEverySize) {
  const std::int64_t numbers[] = {0,
                                  -1,
                                  1,
                                  63,
                                  64,
                                  -64,
                                  -65,
                                  std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min()};
  AvroWriter avro(R"("long")", {{"who", "me"}});
  for (const auto number : numbers) {
    avro.integer(number);
    avro.end_row();
  }
  const AvroFile read = must_read(avro.finish());
  ASSERT_EQ(read.rows.size(), std::size(numbers));
  for (std::size_t i = 0; i < std::size(numbers); ++i) EXPECT_EQ(read.rows[i], numbers[i]);
  EXPECT_EQ(read.metadata.at("who"), "me");
}

TEST(Avro, CutsManyRowsIntoBlocksAndRepeatsItself) {
  const auto make = [] {
    AvroWriter avro(R"("string")", {});
    for (int i = 0; i < 3000; ++i) {
      avro.text(std::string(300, static_cast<char>('a' + i % 26)) + std::to_string(i));
      avro.end_row();
    }
    return avro.finish();
  };
  const std::string bytes = make();
  EXPECT_EQ(bytes, make());
  const AvroFile read = must_read(bytes);
  ASSERT_EQ(read.rows.size(), 3000U);
  EXPECT_TRUE(read.rows[2999].as_string().ends_with("2999"));
  EXPECT_LT(bytes.size(), 100'000U);
}

TEST(Avro, IsRefusedByTheReaderOnceAByteIsCutOrChanged) {
  AvroWriter avro(R"("string")", {});
  avro.text("a row");
  avro.end_row();
  const std::string bytes = avro.finish();
  int headers = 0;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto read = read_avro(bytes.substr(0, length));
    if (!read) continue;
    ++headers;  // a whole header is a file without rows
    EXPECT_TRUE(read->rows.empty());
  }
  EXPECT_EQ(headers, 1);
  std::string marker = bytes;
  marker.back() = static_cast<char>(marker.back() ^ 1);
  EXPECT_FALSE(read_avro(marker));
}

TEST(Manifest, SaysOfAPartWhatIcebergNeedsToFindAndSkipIt) {
  ManifestWriter writer(schema_of(RowType::decisions), 0);
  add(writer,
      a_part("s3://b/v1/account_id=1/type=decisions/date=2020-09-13/experiment=4%252/p.parquet",
             18518, "4%2"));
  const auto made = writer.finish();
  const AvroFile read = must_read(made.bytes);
  EXPECT_EQ(read.metadata.at("format-version"), "2");
  EXPECT_EQ(read.metadata.at("content"), "data");
  EXPECT_EQ(read.metadata.at("partition-spec-id"), "0");
  EXPECT_EQ(json::parse(read.metadata.at("schema")),
            json::parse(schema_of(RowType::decisions).iceberg));
  ASSERT_EQ(read.rows.size(), 1U);
  const json::object& entry = read.rows[0].as_object();
  EXPECT_EQ(entry.at("status"), 0);
  EXPECT_EQ(entry.at("snapshot_id"), 7);
  EXPECT_EQ(entry.at("sequence_number"), 7);
  EXPECT_EQ(entry.at("file_sequence_number"), 7);
  const json::object& file = entry.at("data_file").as_object();
  EXPECT_EQ(file.at("file_path"),
            "s3://b/v1/account_id=1/type=decisions/date=2020-09-13/experiment=4%252/p.parquet");
  EXPECT_EQ(json::serialize(file.at("partition")),
            R"({"process_timestamp_day":18518,"experiment_id":"4%2"})");
  EXPECT_EQ(file.at("record_count"), 10);
  EXPECT_EQ(file.at("file_size_in_bytes"), 4096);
  EXPECT_EQ(json::serialize(file.at("null_value_counts")),
            R"([{"key":1,"value":0},{"key":3,"value":0},{"key":8,"value":0}])");
  EXPECT_EQ(
      json::serialize(file.at("lower_bounds")),
      R"([{"key":3,"value":")" + hex(binary(18518 * kDay)) + R"("},{"key":8,"value":"342532"}])");
  EXPECT_EQ(json::serialize(file.at("split_offsets")), "[4,2048]");
}

TEST(Manifest, ListSumsUpWhatLiesInIt) {
  ManifestWriter writer(schema_of(RowType::decisions), 0);
  add(writer, a_part("s3://b/1", 18518, "b"));
  add(writer, a_part("s3://b/2", 18520, std::nullopt));
  add(writer, a_part("s3://b/3", 18519, "a"));
  auto made = writer.finish();
  made.row.path = "s3://b/m.avro";
  const AvroFile read = must_read(manifest_list({made.row}, 9));
  ASSERT_EQ(read.rows.size(), 1U);
  const json::object& row = read.rows[0].as_object();
  EXPECT_EQ(row.at("manifest_path"), "s3://b/m.avro");
  EXPECT_EQ(row.at("manifest_length"), static_cast<std::int64_t>(made.bytes.size()));
  EXPECT_EQ(row.at("existing_files_count"), 3);
  EXPECT_EQ(row.at("existing_rows_count"), 30);
  EXPECT_EQ(
      json::serialize(row.at("partitions")),
      R"([{"contains_null":false,"contains_nan":false,"lower_bound":"56480000","upper_bound":"58480000"},)"
      R"({"contains_null":true,"contains_nan":false,"lower_bound":"61","upper_bound":"62"}])");
}

TEST(Manifest, OfACoarserSpecHasNoColumnForWhatItsRowsDoNotShare) {
  for (const int spec : {1, 2}) {
    ManifestWriter writer(schema_of(RowType::events), spec);
    DataFile file = a_part("s3://b/1", 18518, std::nullopt);
    writer.add(file, {spec, 18518, std::nullopt});
    const auto made = writer.finish();
    const AvroFile read = must_read(made.bytes);
    ASSERT_EQ(read.rows.size(), 1U);
    EXPECT_EQ(read.rows[0].at("data_file").at("partition").as_object().size(),
              2U - static_cast<unsigned>(spec));
    const AvroFile list = must_read(manifest_list({made.row}, 9));
    EXPECT_EQ(list.rows[0].at("partitions").as_array().size(), 2U - static_cast<unsigned>(spec));
  }
}

TEST(Bounds, AreCutAtCharactersAndTheUpperOneIsRaised) {
  EXPECT_EQ(cut_below("0123456789abcdefgh"), "0123456789abcdef");
  EXPECT_EQ(cut_above("0123456789abcdefgh"), "0123456789abcdeg");
  EXPECT_EQ(cut_above("0123456789abcdef"), "0123456789abcdef");
  EXPECT_EQ(cut_above("short"), "short");
  EXPECT_EQ(cut_below("ääääääääääääääääää"), "ääääääääääääääää");
  EXPECT_EQ(cut_above("ääääääääääääääääää"), "äääääääääääääääå");
  EXPECT_EQ(cut_above("aaaaaaaaaaaaaaa\x7F..."), "aaaaaaaaaaaaaaa\xC2\x80");
  EXPECT_EQ(cut_above("aaaaaaaaaaaaaaa\xED\x9F\xBF..."), "aaaaaaaaaaaaaaa\xEE\x80\x80");
  EXPECT_EQ(cut_above("aaaaaaaaaaaaaaa\xF4\x8F\xBF\xBF..."), "aaaaaaaaaaaaaab");
  std::string last;
  for (int i = 0; i < 17; ++i) last += "\xF4\x8F\xBF\xBF";
  EXPECT_EQ(cut_above(last), std::nullopt);
}

TEST(Metadata, NamesOneSnapshotAndEveryColumn) {
  const TableState state{
      .location = "s3://b/v1/account_id=1/type=decisions",
      .snapshot = 42,
      .changed = from_epoch_ms(1'600'000'000'000),
      .totals = {.files = 2, .rows = 20, .bytes = 200},
      .list_path = "s3://b/v1/account_id=1/type=decisions/_iceberg/snap-42.avro"};
  const json::value read = json::parse(table_metadata(schema_of(RowType::decisions), state));
  EXPECT_EQ(read.at("current-snapshot-id"), 42);
  EXPECT_EQ(read.at("last-sequence-number"), 42);
  EXPECT_EQ(read.at("snapshots").as_array().size(), 1U);
  EXPECT_EQ(read.at("snapshots").at(0).at("manifest-list").as_string(), state.list_path);
  EXPECT_EQ(read.at("snapshot-log").at(0).at("snapshot-id"), 42);
  EXPECT_EQ(read.at("partition-specs").as_array().size(), 3U);
  EXPECT_EQ(read.at("schemas").at(0).at("fields").as_array().size(), 17U);
  EXPECT_EQ(read.at("last-column-id"), 105);
  const json::value mapping =
      json::parse(read.at("properties").at("schema.name-mapping.default").as_string());
  EXPECT_EQ(
      json::serialize(mapping.at(9)),
      R"({"field-id":10,"names":["attributes"],"fields":[{"field-id":101,"names":["element"],)"
      R"("fields":[{"field-id":102,"names":["id"]},{"field-id":103,"names":["name"]},)"
      R"({"field-id":104,"names":["type"]},{"field-id":105,"names":["value"]}]}]})");
  EXPECT_EQ(read.at("table-uuid").as_string(), layout::uuid_of(state.location));
}

TEST(Schema, DescribesTheListsAndTheMapOfEvents) {
  const json::value spark = json::parse(schema_of(RowType::events).spark);
  EXPECT_EQ(spark.at("fields").at(0).at("name"), "date");
  EXPECT_EQ(json::serialize(spark.at("fields").at(18).at("type")),
            R"({"type":"map","keyType":"string","valueType":"string","valueContainsNull":true})");
  const json::value iceberg = json::parse(schema_of(RowType::events).iceberg);
  EXPECT_EQ(json::serialize(iceberg.at("fields").at(17).at("type")),
            R"({"type":"map","key-id":121,"key":"string","value-id":122,"value":"string",)"
            R"("value-required":false})");
  EXPECT_EQ(iceberg.at("fields").at(6).at("type").at("element").at("fields").as_array().size(), 4U);
}

TEST(Partition, IsWhatAllRowsShareAndNothingElse) {
  const auto values_of = [](const DataFile& file) {
    return partition_of(RowType::decisions, file.statistics);
  };
  DataFile part = a_part("p", 18518, "42");
  EXPECT_EQ(values_of(part), (PartitionValues{0, 18518, "42"}));
  EXPECT_EQ(values_of(a_part("p", 18518, std::nullopt)), (PartitionValues{0, 18518, std::nullopt}));
  EXPECT_EQ(values_of(a_part("p", -1, "42")), (PartitionValues{0, -1, "42"}));

  part.statistics.columns[2].nulls = 1;  // NULL and "42" in one folder
  EXPECT_EQ(values_of(part).spec, 1);
  part.statistics.columns[2] = {8, 0, layout::Bounds{std::string("1"), std::string("2")}};
  EXPECT_EQ(values_of(part).spec, 1);
  part.statistics.columns[2] = {8, 0, layout::Bounds{std::string("1"), std::string("1"), false}};
  EXPECT_EQ(values_of(part).spec, 1);  // both were cut
  part.statistics.columns[2] = {8, {}, layout::Bounds{std::string("1"), std::string("1")}};
  EXPECT_EQ(values_of(part).spec, 1);  // perhaps with NULLs
  part.statistics.columns.pop_back();
  EXPECT_EQ(values_of(part).spec, 1);

  part = a_part("p", 18518, "42");
  part.statistics.columns[1].bounds = layout::Bounds{18518 * kDay, 18519 * kDay};
  EXPECT_EQ(values_of(part).spec, 2);
  part = a_part("p", 18518, "42");
  part.statistics.columns[1].nulls = 1;
  EXPECT_EQ(values_of(part).spec, 2);
}

}  // namespace
}  // namespace valetkey::tables
