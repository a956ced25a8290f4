// SPDX-License-Identifier: Apache-2.0
// Footers of whole files in testdata/, as DuckDB wrote them: one of the export's types, one without
// rows, one of several row groups.
#include <gtest/gtest.h>

#include "base/file.h"
#include "exporter/parquet_footer.h"

namespace valetkey::exporter {
namespace {

std::string file_of(const std::string& name) {
  return read_file(VALETKEY_SOURCE_DIR "/src/exporter/testdata/" + name, 1 << 20).value();
}
ReadAt reader_of(const std::string& file) {
  return [&file](std::uint64_t offset, std::span<char> out) -> Result<void> {
    if (offset > file.size() || out.size() > file.size() - offset)
      return fail(ErrorCode::corrupt, "read beyond the end");
    std::copy_n(file.data() + offset, out.size(), out.data());
    return {};
  };
}

TEST(ParquetFiles, HaveTheRowsThatWereWritten) {
  for (const auto& [name, rows] : {std::pair{"small.parquet", 5U}, std::pair{"empty.parquet", 0U},
                                   std::pair{"groups.parquet", 5000U}}) {
    const std::string file = file_of(name);
    const auto counted = count_parquet_rows(file.size(), reader_of(file));
    ASSERT_TRUE(counted) << name << ": " << counted.error().detail;
    EXPECT_EQ(*counted, rows) << name;
  }
}

TEST(ParquetFiles, HaveTheSchemaThatWasWritten) {
  const std::string file = file_of("small.parquet");
  const auto bytes = read_parquet_footer(file.size(), reader_of(file));
  ASSERT_TRUE(bytes);
  const auto footer = parse_parquet_footer(*bytes);
  ASSERT_TRUE(footer);
  EXPECT_EQ(footer->schema[0].children, 7);
  EXPECT_EQ(footer->schema[1].name, "uuid");
  EXPECT_EQ(footer->schema[1].type, 6);
  EXPECT_EQ(footer->schema[2].name, "timestamp");
  EXPECT_EQ(footer->schema[2].type, 2);
  EXPECT_EQ(footer->schema[3].name, "attributes");
  EXPECT_EQ(footer->schema[3].converted_type, 3);
}

// Cut anywhere, the file is refused, and nothing beyond its end is asked for.
TEST(ParquetFiles, AreRefusedWhenCut) {
  const std::string whole = file_of("small.parquet");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    const auto counted = count_parquet_rows(cut.size(), reader_of(cut));
    ASSERT_FALSE(counted) << length;
    EXPECT_NE(counted.error().detail, "read beyond the end") << length;
  }
}

TEST(ParquetFiles, PassOnThatTheyCannotBeRead) {
  const auto failing = [](std::uint64_t, std::span<char>) -> Result<void> {
    return fail(ErrorCode::io, "the disk is gone");
  };
  EXPECT_EQ(count_parquet_rows(1000, failing).error().code, ErrorCode::io);
}

}  // namespace
}  // namespace valetkey::exporter
