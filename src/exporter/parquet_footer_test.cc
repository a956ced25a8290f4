// SPDX-License-Identifier: Apache-2.0
#include "exporter/parquet_footer.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "base/file.h"
#include "exporter/internal/thrift.h"

namespace valetkey::exporter {
namespace {

// A FileMetaData with the given schema and one row group.
std::string footer_of(const std::vector<SchemaElement>& schema, std::int64_t rows,
                      std::int64_t grouped) {
  std::string bytes;
  ThriftWriter out(bytes);
  out.field(1, 0, ThriftType::i32);
  out.integer(1);
  out.field(2, 1, ThriftType::list);
  out.list(ThriftType::struct_, schema.size());
  for (const auto& e : schema) {
    std::int32_t former = 0;
    for (const auto& [id, value] : {std::pair{1, e.type}, std::pair{3, e.repetition}}) {
      if (!value) continue;
      out.field(id, former, ThriftType::i32);
      out.integer(*value);
      former = id;
    }
    out.field(4, former, ThriftType::binary);
    out.binary(e.name);
    out.field(5, 4, ThriftType::i32);
    out.integer(e.children);
    former = 5;
    if (e.converted_type) {
      out.field(6, former, ThriftType::i32);
      out.integer(*e.converted_type);
      former = 6;
    }
    if (e.field_id) {
      out.field(9, former, ThriftType::i32);
      out.integer(*e.field_id);
      former = 9;
    }
    if (e.has_logical_type) {  // LogicalType{8: TimestampType{1: true, 2: {}}}
      out.field(10, former, ThriftType::struct_);
      out.field(8, 0, ThriftType::struct_);
      out.field(1, 0, e.is_utc.value_or(true) ? ThriftType::true_ : ThriftType::false_);
      out.stop();
      out.stop();
    }
    out.stop();
  }
  out.field(3, 2, ThriftType::i64);
  out.integer(rows);
  out.field(4, 3, ThriftType::list);
  out.list(ThriftType::struct_, 1);
  out.field(3, 0, ThriftType::i64);
  out.integer(grouped);
  out.stop();
  out.field(6, 4, ThriftType::binary);
  out.binary("somebody");
  out.stop();
  return bytes;
}

const std::vector<SchemaElement> kSchema = {
    {"root", {}, {}, {}, 3, false, {}, {}},
    {"timestamp", 2, 1, 10, 0, true, true, {}},
    {"list", std::nullopt, 1, 3, 1, false, {}, {}},
    {"timestamp", 2, 1, 18, 0, false, {}, {}},  // of the same name, but not at the top
    {"name", 6, 1, 0, 0, true, true, {}},
};

TEST(ParquetFooter, ReadsRowsAndSchema) {
  const auto footer = parse_parquet_footer(footer_of(kSchema, 7, 7));
  ASSERT_TRUE(footer) << footer.error().detail;
  EXPECT_EQ(footer->rows, 7U);
  EXPECT_EQ(footer->schema, kSchema);
}

TEST(ParquetFooter, RewritesTimestampsOfTheTopLevelOnly) {
  const auto original = footer_of(kSchema, 7, 7);
  const auto rewritten =
      rewrite_parquet_footer(layout::RowType::events, layout::TimestampUnit::milliseconds, original)
          .value();
  const auto footer = parse_parquet_footer(rewritten).value();
  EXPECT_EQ(footer.rows, 7U);
  ASSERT_EQ(footer.schema.size(), kSchema.size());
  EXPECT_EQ(footer.schema[1].converted_type, 9);
  EXPECT_EQ(footer.schema[3].converted_type, std::nullopt);
  EXPECT_EQ(footer.schema[4].converted_type, 0);
  for (const auto& element : footer.schema) EXPECT_FALSE(element.has_logical_type);
  EXPECT_NE(rewritten.find("somebody"), std::string::npos) << "the rest is kept";
}

// An element of a schema, short.
SchemaElement element(std::string name, std::int32_t children = 0,
                      std::optional<std::int32_t> converted = {}) {
  SchemaElement out;
  out.name = std::move(name);
  out.children = children;
  out.converted_type = converted;
  if (children == 0) out.type = 6;
  return out;
}

TEST(ParquetFooter, NamesWhatIsNestedAsItsFieldsAre) {
  const std::vector<SchemaElement> schema = {
      element("root", 4), element("uuid"),       element("attributes", 1, 3),
      element("list", 1), element("item", 2),    element("id"),
      element("value"),   element("tags", 1, 1), element("key_value", 2),
      element("key"),     element("value"),      element("odd", 1),
      element("list", 1), element("x"),
  };
  EXPECT_EQ(
      field_paths(schema),
      (std::vector<std::string>{"", "uuid", "attributes", "", "attributes.element",
                                "attributes.element.id", "attributes.element.value", "tags", "",
                                "tags.key", "tags.value", "odd", "odd.list", "odd.list.x"}));
}

TEST(ParquetFooter, CarriesFieldIdsInPartFormatTwoOnly) {
  const std::vector<SchemaElement> schema = {
      element("root", 4),      {"timestamp", 2, 1, {}, 0, true, false, 77},
      element("uuid"),         element("tags", 1, 1),
      element("key_value", 2), element("key"),
      element("value"),        element("theirs")};
  const auto original = footer_of(schema, 7, 7);
  const auto rewrite = [&](layout::TimestampUnit unit) {
    return rewrite_parquet_footer(layout::RowType::events, unit, original).value();
  };
  const auto two = parse_parquet_footer(rewrite(layout::TimestampUnit::microseconds))->schema;
  EXPECT_EQ(two[1].converted_type, 10);
  EXPECT_EQ(two[1].field_id, 2);
  EXPECT_EQ(two[3].field_id, 18);
  EXPECT_EQ(two[4].field_id, std::nullopt);
  EXPECT_EQ(two[5].field_id, 121);
  EXPECT_EQ(two[6].field_id, 122);
  EXPECT_EQ(two[7].field_id, std::nullopt);
  const auto one = parse_parquet_footer(rewrite(layout::TimestampUnit::milliseconds))->schema;
  EXPECT_EQ(one[1].converted_type, 9);
  for (const auto& each : one) EXPECT_EQ(each.field_id, std::nullopt) << each.name;
  EXPECT_TRUE(
      read_part_statistics(layout::RowType::events, rewrite(layout::TimestampUnit::microseconds))
          ->field_ids);
}

TEST(ParquetFooter, TakesForeignFieldIdsAndLocalTimesForNoInstants) {
  const auto unit_of = [](const SchemaElement& timestamp) {
    const auto bytes = footer_of({element("root", 1), timestamp}, 7, 7);
    return read_part_statistics(layout::RowType::events, bytes)->timestamps;
  };
  using layout::TimestampUnit;
  EXPECT_EQ(unit_of({"timestamp", 2, 1, 10, 0, false, {}, {}}), TimestampUnit::microseconds);
  EXPECT_EQ(unit_of({"timestamp", 2, 1, 9, 0, true, true, {}}), TimestampUnit::milliseconds);
  EXPECT_EQ(unit_of({"timestamp", 2, 1, 10, 0, true, false, {}}), TimestampUnit::other);
  EXPECT_EQ(unit_of({"timestamp", 3, 1, {}, 0, false, {}, {}}), TimestampUnit::other) << "INT96";
  EXPECT_EQ(unit_of({"timestamp", 2, 1, 10, 0, false, {}, 2}), TimestampUnit::microseconds);
  EXPECT_EQ(unit_of({"timestamp", 2, 1, 10, 0, false, {}, 9}), TimestampUnit::other);
  EXPECT_EQ(unit_of({"x", 2, 1, 10, 0, false, {}, {}}), TimestampUnit::none);
}

TEST(ParquetFooter, RefusesWhatDoesNotAddUp) {
  EXPECT_FALSE(parse_parquet_footer(footer_of(kSchema, 7, 8)));
  EXPECT_FALSE(parse_parquet_footer(footer_of(kSchema, -1, -1)));
  EXPECT_FALSE(parse_parquet_footer(footer_of({}, 7, 7)));
  auto open = kSchema;
  open[0].children = 4;
  EXPECT_FALSE(parse_parquet_footer(footer_of(open, 7, 7)));
  open[0].children = 2;
  EXPECT_FALSE(parse_parquet_footer(footer_of(open, 7, 7)));
}

TEST(ParquetFooter, RefusesAFieldThatComesTwiceOrHasAnotherType) {
  const auto good = footer_of(kSchema, 7, 7);
  for (const std::int32_t id : {2, 3, 4}) {
    std::string twice = good.substr(0, good.size() - 1);  // without the stop
    ThriftWriter more(twice);
    const bool rows = id == 3;
    more.field(id, 6, rows ? ThriftType::i64 : ThriftType::list);
    if (rows)
      more.integer(7);
    else
      more.list(ThriftType::struct_, 0);
    more.stop();
    EXPECT_FALSE(parse_parquet_footer(twice)) << id;
  }
  const auto empty = footer_of(kSchema, 0, 0);
  std::string typed = empty.substr(0, empty.size() - 16);  // without row groups and writer
  ThriftWriter out(typed);
  out.field(4, 3, ThriftType::binary);
  out.binary("");
  out.stop();
  EXPECT_FALSE(parse_parquet_footer(typed));
}

TEST(ParquetFooter, SurvivesEveryTruncationAndDamage) {
  const auto good = footer_of(kSchema, 7, 7);
  for (std::size_t n = 0; n + 1 < good.size(); ++n)
    EXPECT_FALSE(parse_parquet_footer(good.substr(0, n))) << n;
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    auto bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    (void)parse_parquet_footer(bad);
    (void)rewrite_parquet_footer(layout::RowType::events, layout::TimestampUnit::microseconds, bad);
    (void)read_part_statistics(layout::RowType::events, bad);
  }
}

TEST(ParquetFooter, RefusesDeepNesting) {
  std::string bytes;
  ThriftWriter out(bytes);
  for (int i = 0; i < 100'000; ++i) out.field(9, 0, ThriftType::struct_);
  EXPECT_FALSE(parse_parquet_footer(bytes));
}

ReadAt reader_of(const std::string& file) {
  return [&file](std::uint64_t offset, std::span<char> out) -> Result<void> {
    if (offset + out.size() > file.size()) return fail(ErrorCode::corrupt, "short");
    std::copy_n(file.data() + offset, out.size(), out.data());
    return {};
  };
}

TEST(ParquetFooter, IsFoundAtTheEndOfAFile) {
  const auto metadata = footer_of(kSchema, 7, 7);
  std::string file = "PAR1data" + metadata;
  for (int shift = 0; shift < 32; shift += 8)
    file.push_back(static_cast<char>(metadata.size() >> shift));
  file += "PAR1";
  EXPECT_EQ(count_parquet_rows(file.size(), reader_of(file)).value(), 7U);
  auto lying = file;
  lying[file.size() - 8] = '\xff';
  lying[file.size() - 5] = '\x7f';
  EXPECT_FALSE(count_parquet_rows(lying.size(), reader_of(lying)));
  EXPECT_FALSE(count_parquet_rows(0, reader_of({})));
  const std::string tiny = "PAR1PAR1";
  EXPECT_FALSE(count_parquet_rows(tiny.size(), reader_of(tiny)));
}

TEST(ParquetFooter, ReadsTheStatisticsOfARealExport) {
  const std::filesystem::path data = VALETKEY_SOURCE_DIR "/../shared/data/v1";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no real export beside the repository";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".parquet") continue;
    const auto file = read_file(entry.path(), 64 << 20).value();
    const bool decisions = entry.path().string().contains("type=decisions");
    const auto read =
        read_part_statistics(decisions ? layout::RowType::decisions : layout::RowType::events,
                             file.size(), reader_of(file));
    ASSERT_TRUE(read) << entry.path() << read.error().detail;
    EXPECT_EQ(read->timestamps, layout::TimestampUnit::milliseconds);
    EXPECT_FALSE(read->field_ids);
    EXPECT_FALSE(read->row_groups.empty());
    const auto* received = read->column(3);
    ASSERT_TRUE(received != nullptr && received->bounds) << entry.path();
    // 2020, in microseconds
    EXPECT_GT(std::get<std::int64_t>(received->bounds->lower), 1'577'000'000'000'000);
    EXPECT_LT(std::get<std::int64_t>(received->bounds->upper), 1'640'000'000'000'000);
  }
}

TEST(ParquetFooter, CountsTheRowsOfARealExport) {
  const std::filesystem::path data = VALETKEY_SOURCE_DIR "/../shared/data/v1";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no real export beside the repository";
  std::map<std::string, std::uint64_t> rows;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".parquet") continue;
    const auto file = read_file(entry.path(), 64 << 20).value();
    const auto count = count_parquet_rows(file.size(), reader_of(file));
    ASSERT_TRUE(count) << entry.path() << count.error().detail;
    const bool decisions = entry.path().string().contains("type=decisions");
    rows[decisions ? "decisions" : "events"] += *count;
  }
  EXPECT_EQ(rows["decisions"], 10'000U);
  EXPECT_EQ(rows["events"], 38'648U);
}

}  // namespace
}  // namespace valetkey::exporter
