// SPDX-License-Identifier: Apache-2.0
#include "s3/xml.h"

#include <gtest/gtest.h>

#include <pugixml.hpp>

namespace valetkey::s3 {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}
std::string encoded(std::string_view text) {
  std::string out;
  append_url_encoded(out, text);
  return out;
}

TEST(Xml, EscapesMarkupAndControlCharacters) {
  EXPECT_EQ(escaped("a&b<c>d\"e'f"), "a&amp;b&lt;c&gt;d&quot;e&apos;f");
  EXPECT_EQ(escaped("\t\n\r\x7F"), "&#x9;&#xA;&#xD;&#x7F;");
  EXPECT_EQ(escaped("\xEF\xBC\xA1 \xC3\xA9 plain"), "\xEF\xBC\xA1 \xC3\xA9 plain");
  EXPECT_EQ(escaped(""), "");
}

TEST(Xml, PutsAReplacementWhereXmlHasNoForm) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("a\x01"
                    "b"),
            "a" + replacement + "b");
  EXPECT_EQ(escaped(std::string("\0", 1)), replacement);
  EXPECT_EQ(escaped("\x1F"), replacement);
  EXPECT_EQ(escaped("\xEF\xBF\xBE\xEF\xBF\xBF"), replacement + replacement);
  EXPECT_EQ(escaped("\xFF\xE2\x82"), replacement + replacement + replacement);  // no UTF-8
  EXPECT_EQ(escaped("\xED\xA0\x80"), replacement + replacement + replacement);  // a surrogate
  // The noncharacters of other planes, and the last characters before the first ones.
  for (const char* allowed : {"\xF0\x9F\xBF\xBE", "\xF4\x8F\xBF\xBF", "\xEF\xB7\x90",
                              "\xEF\xBF\xBD", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80"})
    EXPECT_EQ(escaped(allowed), allowed);
}

TEST(Xml, EncodesForUrlsWithPlusAndSlash) {
  EXPECT_EQ(encoded("v1/a b=c%+~é"), "v1/a+b%3Dc%25%2B~%C3%A9");
  EXPECT_EQ(encoded("\x01*"), "%01%2A");
}

TEST(Xml, IsReadBackByAForeignParser) {
  const std::string text = "date=2020-09-14/ex&p<>\"'=\xC3\xA9 \r\n\t\x7F end";
  std::string xml(kXmlDeclaration);
  append_element(xml, "Key", text);
  pugi::xml_document document;
  ASSERT_TRUE(document.load_buffer(xml.data(), xml.size(), pugi::parse_full));
  EXPECT_EQ(document.child_value("Key"), text);
}

TEST(Xml, WritesNumbers) {
  std::string out;
  append_number(out, 0);
  out += ' ';
  append_number(out, UINT64_MAX);
  EXPECT_EQ(out, "0 18446744073709551615");
}

}  // namespace
}  // namespace valetkey::s3
