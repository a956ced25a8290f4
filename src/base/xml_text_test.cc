// SPDX-License-Identifier: Apache-2.0
#include "base/xml_text.h"

#include <gtest/gtest.h>

#include <string>

namespace valetkey {
namespace {

// In UTF-8; no surrogate.
std::string utf8(char32_t c) {
  const auto tail = [c](unsigned shift) { return static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xC0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xE0 | c >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0)};
}

TEST(XmlText, FollowsTheProductionForEveryCharacter) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    const bool allowed = c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c <= 0xD7FF) ||
                         (c >= 0xE000 && c <= 0xFFFD) || c >= 0x10000;
    ASSERT_EQ(is_xml_character(utf8(c)), allowed) << static_cast<unsigned>(c);
    ASSERT_EQ(is_xml_text(utf8(c)), allowed) << static_cast<unsigned>(c);
  }
}

TEST(XmlText, RefusesWhatIsNoText) {
  EXPECT_TRUE(is_xml_text(""));
  EXPECT_FALSE(is_xml_character(""));
  for (const char* text : {"\xFF", "a\xED\xA0\x80", "\xE2\x82", "plain, then \x01"})
    EXPECT_FALSE(is_xml_text(text)) << text;
}

}  // namespace
}  // namespace valetkey
