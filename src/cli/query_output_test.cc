// SPDX-License-Identifier: Apache-2.0
#include "cli/query_output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valetkey::cli {
namespace {

using Row = std::vector<std::optional<std::string_view>>;

std::string written(const std::function<std::unique_ptr<RowFormat>(Writer)>& make,
                    const std::vector<Row>& rows) {
  std::string text;
  const auto format = make([&text](std::string_view bytes) -> Result<void> {
    text += bytes;
    return {};
  });
  EXPECT_TRUE(format->begin());
  for (const Row& row : rows) EXPECT_TRUE(format->row(row));
  EXPECT_TRUE(format->end());
  return text;
}

std::string table(const std::vector<Row>& rows) {
  return written([](Writer w) { return make_table({{"name"}, {"n", true}}, std::move(w)); }, rows);
}

TEST(Table, SetsNumbersFlushRightAndCountsCharacters) {
  EXPECT_EQ(table({{"ü", "7"}, {std::nullopt, "1234"}}),
            " name |    n\n"
            "------+------\n"
            " ü    |    7\n"
            " NULL | 1234\n"
            "(2 rows)\n");
  EXPECT_EQ(table({}), " name | n\n------+---\n(0 rows)\n");
}

TEST(Table, FitsTheWindow) {
  const auto make = [](Writer w) {
    return make_table({{"visitor_id"}, {"日本語"}, {"n", true}}, std::move(w), 36);
  };
  EXPECT_EQ(written(make, {{"oeu1383080393924r0.50474218", "🛒", "123456"}}),
            " visitor_id                | 日本語\n"
            "---------------------------+--------\n"
            " oeu1383080393924r0.50474… | 🛒\n"
            "… 1 column not shown: n\n"
            "(1 row)\n");
}

TEST(Table, LetsNoControlCharacterThrough) {
  const std::string text = table({{"a\n\x1b[31m\x7f\xc2\x9b", "1"}});
  EXPECT_THAT(text, testing::HasSubstr("a\\n\\x1b[31m\\x7f\\x9b"));
  for (const char c : text) EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
}

TEST(Table, CutsLongCellsAndManyRows) {
  const std::string exact(kTableCell, 'x'), longer(kTableCell + 1, 'x');
  EXPECT_THAT(table({{exact, "1"}}), testing::HasSubstr(exact + " |"));
  EXPECT_THAT(table({{longer, "1"}}), testing::HasSubstr(std::string(kTableCell - 1, 'x') + "… |"));
  const std::string text = table(std::vector<Row>(kTableRows + 1, Row{"a", "1"}));
  EXPECT_THAT(text, testing::EndsWith("(the first 1000 rows; --format csv has all)\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1003);
}

TEST(Csv, QuotesWhatNeedsItAndTellsNullFromEmpty) {
  EXPECT_EQ(written([](Writer w) { return make_csv({{"a,b"}, {"c"}}, std::move(w)); },
                    {{std::nullopt, ""}, {"q\"q", "l\nl"}, {"ü", "x"}}),
            "\"a,b\",c\n,\"\"\n\"q\"\"q\",\"l\nl\"\nü,x\n");
}

TEST(Json, IsOneArray) {
  EXPECT_EQ(written(make_json, {}), "[]\n");
  EXPECT_EQ(written(make_json, {{R"({"a":1})"}, {R"({"a":NaN})"}}), "[{\"a\":1},\n{\"a\":null}]\n");
}

TEST(StrictJson, LeavesTextsAlone) {
  EXPECT_EQ(strict_json(R"({"NaN":"NaN\"Infinity","a":[-Infinity,Infinity,-NaN,1]})"),
            R"({"NaN":"NaN\"Infinity","a":[null,null,null,1]})");
}

}  // namespace
}  // namespace valetkey::cli
