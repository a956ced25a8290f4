// SPDX-License-Identifier: Apache-2.0
#include "client/token_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace valetkey::client {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

TEST(TokenText, IsTakenWithoutWhatCopyingAdds) {
  for (const std::string& text :
       {"vk_abc"s, "vk_abc\r\n"s, "\xEF\xBB\xBFvk_abc"s, "\xEF\xBB\xBF  vk_abc \r\n\r\n"s,
        "Bearer vk_abc"s, "bearer\tvk_abc\n"s, "Authorization: Bearer vk_abc"s,
        "authorization:Bearer vk_abc"s, "\"vk_abc\""s, "'vk_abc'\n"s, "\"Bearer vk_abc\""s,
        "Bearer \"vk_abc\""s, "\xC2\xA0vk_abc\xE2\x80\x8B"s, "\xE2\x80\x9Cvk_abc\xE2\x80\x9D"s,
        "\xFF\xFEv\0k\0_\0a\0b\0c\0\r\0\n\0"s, "\xFE\xFF\0v\0k\0_\0a\0b\0c"s}) {
    const auto token = clean_token(text);
    ASSERT_TRUE(token) << testing::PrintToString(text) << ": " << token.error().detail;
    EXPECT_EQ(*token, Secret("vk_abc")) << testing::PrintToString(text);
  }
}

TEST(TokenText, OfAnotherServiceStaysAsItIs) {
  for (const char* text : {"bearerish", "Bearer.x", "2:abc==", "a\"b", "\"a", "authorization"})
    EXPECT_EQ(clean_token(text).value(), Secret(text)) << text;
}

TEST(TokenText, SaysWhichCharacterIsWrongAndNothingElse) {
  const auto words = [](const std::string& text) {
    const auto refused = clean_token(text);
    EXPECT_FALSE(refused) << testing::PrintToString(text);
    if (refused) return ""s;
    EXPECT_THAT(refused.error().detail, Not(HasSubstr("vk_")));
    return refused.error().detail;
  };
  EXPECT_THAT(words("vk_a bc"), HasSubstr("a space after 4 characters"));
  EXPECT_THAT(words("vk_a\nvk_b"), HasSubstr("a line break after 4"));
  EXPECT_THAT(words("vk_\xC3\xA4"), HasSubstr("U+00E4 after 3"));
  EXPECT_THAT(words("vk_\xE2\x80\xA6"), HasSubstr("U+2026"));
  EXPECT_THAT(words("vk_\x01z"), HasSubstr("U+0001"));
  EXPECT_THAT(words("vk_\xFFz"), HasSubstr("beyond ASCII"));
  EXPECT_THAT(words("vk_\x80z"), HasSubstr("0x80"));
  EXPECT_THAT(words("\xEF\xBB\xBF \n"), HasSubstr("empty"));
  EXPECT_THAT(words("Bearer "), HasSubstr("empty"));
  EXPECT_THAT(words("\"\""), HasSubstr("empty"));
  EXPECT_THAT(words(std::string(5000, 'x')), HasSubstr("longer"));
}

}  // namespace
}  // namespace valetkey::client
