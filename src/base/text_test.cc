// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace valetkey {
namespace {

TEST(Text, LowersTheLettersOfAsciiAlone) {
  EXPECT_EQ(lowered("AZaz09-_"), "azaz09-_");
  EXPECT_EQ(lowered("@[`{"), "@[`{");
  EXPECT_EQ(lowered("\xC3\x84"), "\xC3\x84") << "a capital letter beyond ASCII";
  EXPECT_EQ(lowered(std::string_view("A\0B", 3)), std::string_view("a\0b", 3));
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    const bool letter = c >= 'A' && c <= 'Z';
    EXPECT_EQ(lower(byte), letter ? static_cast<char>(c | 0x20) : byte) << c;
  }
}

TEST(Text, IsEqualWhateverTheCaseOfItsLetters) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("Content-Type", "cONTENT-tYPE"));
  EXPECT_FALSE(equal_ignoring_case("host", "hos"));
  EXPECT_FALSE(equal_ignoring_case("host", "hostt"));
  EXPECT_FALSE(equal_ignoring_case("@", "`"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));
  EXPECT_FALSE(equal_ignoring_case("\xC3\x84", "\xC3\xA4"));
}

TEST(Text, IsTrimmedOfTheBlanksThatAreNamed) {
  EXPECT_EQ(trimmed(" \t a \t b\t ", " \t"), "a \t b");
  EXPECT_EQ(trimmed("a", " \t"), "a");
  EXPECT_EQ(trimmed("", " \t"), "");
  EXPECT_EQ(trimmed(" \t ", " \t"), "");
  EXPECT_EQ(trimmed("\ta\t", " "), "\ta\t");
  EXPECT_EQ(trimmed("a\r", " \t"), "a\r");
  EXPECT_EQ(trimmed("\r\na\r\n", " \t\r"), "\na\r\n");
  EXPECT_EQ(trimmed("\r\n a \r\n", " \t\r\n"), "a");
  EXPECT_EQ(trimmed("\v\fa\xC2\xA0", " \t\r\n"), "\v\fa\xC2\xA0");
}

TEST(Text, IsQuotedForSql) {
  EXPECT_EQ(sql_text(""), "''");
  EXPECT_EQ(sql_text("/srv/a b"), "'/srv/a b'");
  EXPECT_EQ(sql_text("it's '; DROP"), "'it''s ''; DROP'");
  EXPECT_EQ(sql_text("a\\b\"c"), "'a\\b\"c'") << "only a quote ends the text";
}

}  // namespace
}  // namespace valetkey
