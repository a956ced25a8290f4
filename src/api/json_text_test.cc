// SPDX-License-Identifier: Apache-2.0
#include "api/json_text.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace valetkey::api {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

TEST(JsonText, QuotesPlainText) { EXPECT_EQ(written("us-east-1"), "\"us-east-1\""); }

TEST(JsonText, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(written("a\"b\\c\nd"), "\"a\\\"b\\\\c\\u000ad\"");
  EXPECT_EQ(written(std::string_view("\0\x1f", 2)), "\"\\u0000\\u001f\"");
}

TEST(JsonText, IsReadBackByAParser) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xc3\xa9\xe2\x82\xac";
  EXPECT_EQ(boost::json::parse(written(all)).as_string(), all);
}

}  // namespace
}  // namespace valetkey::api
