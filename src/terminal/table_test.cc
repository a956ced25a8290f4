// SPDX-License-Identifier: Apache-2.0
#include "terminal/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "terminal/width.h"

namespace valetkey::terminal {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

TEST(Table, AlignsColumnsByWhatTheyTakeOnTheScreen) {
  Table table({"NAME", "STATE"});
  EXPECT_TRUE(table.empty());
  table.row({"Müller & Söhne", "active"});
  table.row({"日本商店", "active"});
  table.row({"Käufe 🛒", "suspended"});
  table.row({"Acme", ""});
  EXPECT_EQ(table.text({}),
            "NAME            STATE\n"
            "Müller & Söhne  active\n"
            "日本商店        active\n"
            "Käufe 🛒        suspended\n"
            "Acme\n");
}

TEST(Table, ShowsNoControlCharacters) {
  Table table({"NAME"});
  table.row({"a\x1b[31mb\nc\xc2\x9b"});
  EXPECT_EQ(table.text({}), "NAME\na?[31mb?c?\n");
}

TEST(Table, SetsNumbersFlushRightBetweenRules) {
  Table table({{"name"}, {"n", true}}, Table::Style::ruled);
  table.row({"日", "7"});
  table.row({"x", "1234"});
  EXPECT_EQ(table.text({}), " name |    n\n------+------\n 日   |    7\n x    | 1234\n");
}

TEST(Table, LeavesColumnsOutInsteadOfWrapping) {
  Table table({"ID", "NAME", "CREATED", "EXPIRES"});
  table.row({"tok_0123456789", "laptop", "2026-01-31T12:00:00Z", "2026-04-30T12:00:00Z"});
  EXPECT_EQ(table.text(80).find("not shown"), std::string::npos);
  EXPECT_EQ(table.text(46),
            "ID              NAME    CREATED\n"
            "tok_0123456789  laptop  2026-01-31T12:00:00Z\n"
            "… 1 column not shown: EXPIRES\n");
  EXPECT_THAT(table.text(24), EndsWith("laptop\n… 2 columns not shown: …\n"));
}

TEST(Table, CutsALongTextBeforeItLeavesAColumnOut) {
  Table table({"NAME", "STATE"});
  table.row({std::string(200, 'x'), "active"});
  EXPECT_EQ(table.text(40),
            "NAME                              STATE\n" + std::string(31, 'x') + "…  active\n");
}

TEST(Table, FitsEveryWidthWhateverItHolds) {
  for (const auto style : {Table::Style::plain, Table::Style::ruled}) {
    Table table({{"日本語の名前"}, {"count", true}, {"e\u0301\u0301"}, {"c"}, {"d"}}, style);
    table.row({"日本商店日本商店日本商店", "123456789012", "🛒🛒🛒", std::string(300, 'y'), ""});
    table.row({"x", "7", "e\u0301", "z", std::string(30, '1')});
    for (std::size_t columns = 10; columns <= 250; ++columns) {
      std::istringstream lines(table.text(columns));
      for (std::string line; std::getline(lines, line);) EXPECT_LE(width_of(line), columns) << line;
    }
  }
}

}  // namespace
}  // namespace valetkey::terminal
