// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace valetkey {
namespace {

TEST(JsonText, QuotesPlainText) {
  EXPECT_EQ(quote_json(""), "\"\"");
  EXPECT_EQ(quote_json("us-east-1"), "\"us-east-1\"");
}

TEST(JsonText, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(quote_json("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(quote_json("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(quote_json(std::string_view("\0\x01\v\x1b\x1f", 5)),
            R"("\u0000\u0001\u000b\u001b\u001f")");
}

TEST(JsonText, LeavesEveryOtherByteAsItIs) {
  for (const std::string_view text :
       {"/ '<>&", "\x7f", "\xC3\xA9\xE2\x82\xAC", "\xE2\x80\xA8", "\xF0\x9F\x98\x80", "\xFF\xC3"})
    EXPECT_EQ(quote_json(text), "\"" + std::string(text) + "\"");
}

TEST(JsonText, IsReadBackByAParser) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA9\xE2\x82\xAC";
  EXPECT_EQ(boost::json::parse(quote_json(all)).as_string(), all);
}

TEST(JsonText, IsAppended) {
  std::string out = "{\"a\":";
  append_json(out, "b\nc");
  EXPECT_EQ(out, "{\"a\":\"b\\nc\"");
}

}  // namespace
}  // namespace valetkey
