// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/crypto.h"

namespace valetkey {
namespace {

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  EXPECT_EQ(hex(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
  EXPECT_EQ(unhex("00FF1a").value(), std::string_view("\x00\xff\x1a", 3));
  for (const char* text : {"0", "0g", "g0", "0 ", "-1", "0x"}) EXPECT_FALSE(unhex(text)) << text;
}

TEST(Base64, MatchesRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"},
                                                       {"\xfb\xff", "+/8="}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(unbase64(text).value(), bytes);
  }
  EXPECT_EQ(base64url("\xfb\xff"), "-_8");
}

TEST(Base64, ReadsTheCanonicalFormOnly) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zg==\n",
                           " Zg==", "Z===", "====", "-_8=", "Zg==Zg==", "Z=g="})
    EXPECT_FALSE(unbase64(text)) << text;
  for (const char* text : {"Zg==", "Zh", "Zm9", "Z", "+/8", "Zg\n", "Zm9vYg=="})
    EXPECT_FALSE(unbase64url(text)) << text;
}

TEST(Base64, ComesBackForEveryLength) {
  for (std::size_t length = 0; length < 200; ++length) {
    const std::string bytes = random_bytes(length);
    EXPECT_EQ(unbase64(base64(bytes)).value(), bytes);
    EXPECT_EQ(unbase64url(base64url(bytes)).value(), bytes);
    EXPECT_EQ(unhex(hex(bytes)).value(), bytes);
    EXPECT_EQ(percent_decode(percent_encode(bytes)).value(), bytes);
  }
}

TEST(Base62, PadsWithZerosMostSignificantFirst) {
  EXPECT_EQ(base62(0, 6), "000000");
  EXPECT_EQ(base62(61, 2), "0z");
  EXPECT_EQ(base62(62, 2), "10");
  EXPECT_EQ(base62(0xffffffff, 6), "4gfFC3");
  EXPECT_THROW(base62(62, 1), std::invalid_argument);
}

TEST(Percent, LeavesUnreservedCharactersAlone) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a/b c+\xc3\xa4"), "a%2Fb%20c%2B%C3%A4");
  EXPECT_EQ(percent_encode("a/b c", true), "a/b%20c");
}

TEST(Percent, DecodesOnceAndKeepsPlus) {
  EXPECT_EQ(percent_decode("a%2fb+%252F").value(), "a/b+%2F");
  EXPECT_EQ(percent_decode("%00").value(), std::string(1, '\0'));
  for (const char* text : {"%", "%2", "%2g", "%g2", "a%", "%%41"})
    EXPECT_FALSE(percent_decode(text)) << text;
}

TEST(Utf8, IsStrict) {
  for (const char* text : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x94\x91",
                           "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf",
                           "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf4\x90\x80\x80",
                           "\xf5\x80\x80\x80", "\xff", "\xe2\x82", "a\xe2\x28\xa1"})
    EXPECT_FALSE(is_utf8(text)) << hex(text);
}

}  // namespace
}  // namespace valetkey
