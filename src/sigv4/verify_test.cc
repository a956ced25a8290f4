// SPDX-License-Identifier: Apache-2.0
// What read_claim() and verify() refuse, whatever the form, and what they take.
#include "sigv4/verify.h"

#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <span>

#include "sigv4/testing/signed_request.h"

namespace valetkey::sigv4 {
namespace {

using testing::kNow;
using testing::outcome;
using testing::Owned;
using testing::replace;
using namespace std::chrono_literals;

TEST(Verify, AcceptsWhatTheSignerMade) {
  EXPECT_EQ(outcome(Owned().sign()), "");
  EXPECT_EQ(outcome(Owned().presign()), "");
}

TEST(Verify, RefusesRequestWithoutCredentials) {
  EXPECT_EQ(outcome(Owned()), "no_credentials");
  Owned with_token_only;
  with_token_only.query = "X-Amz-Security-Token=abc";
  EXPECT_EQ(outcome(with_token_only), "no_credentials");
}

TEST(Verify, RefusesTamperedMethodPathQueryAndSignedHeader) {
  const Owned good =
      Owned{.query = "prefix=a", .headers = {{"Host", "h"}, {"Range", "bytes=0-1"}}}.sign();
  ASSERT_EQ(outcome(good), "");
  Owned bad = good;
  bad.method = "HEAD";
  EXPECT_EQ(outcome(bad), "mismatch");
  bad = good;
  replace(bad.path, "12", "13");
  EXPECT_EQ(outcome(bad), "mismatch");
  bad = good;
  bad.query = "prefix=b";
  EXPECT_EQ(outcome(bad), "mismatch");
  bad = good;
  bad.query += "&extra";
  EXPECT_EQ(outcome(bad), "mismatch");
  bad = good;
  bad.header("range") = "bytes=0-2";
  EXPECT_EQ(outcome(bad), "mismatch");
  bad = good;
  bad.remove("range");
  EXPECT_EQ(outcome(bad), "mismatch");
}

TEST(Verify, RefusesAnotherKey) {
  const Owned good = Owned().sign();
  const http::Request request = good.view();
  const auto claim = read_claim(request, kNow);
  ASSERT_TRUE(claim);
  const auto verified = verify(request, *claim, signing_key(Secret("other"), claim->scope));
  EXPECT_EQ(verified.error(), Refusal::mismatch);
}

TEST(Verify, RefusesSignedHeaderThatIsAbsentEvenIfItWasEmpty) {
  Owned good{.headers = {{"Host", "h"}, {"x-empty", ""}}};
  good.sign();
  ASSERT_EQ(outcome(good), "");
  good.remove("x-empty");
  EXPECT_EQ(outcome(good), "mismatch");
}

TEST(Verify, FoldsSpacesAndJoinsRepeatedHeadersInTheirOrder) {
  Owned good{.headers = {{"Host", "h"}, {"Range", "a b  c"}, {"Accept", "1"}, {"accept", "2"}}};
  good.sign();
  good.header("range") = "a    b c";
  EXPECT_EQ(outcome(good), "");
  good.header("range") = "a bc";
  EXPECT_EQ(outcome(good), "mismatch");
  good.header("range") = "a b c";
  std::swap(good.headers[2].second, good.headers[3].second);
  EXPECT_EQ(outcome(good), "mismatch");
}

TEST(Verify, RefusesUnsignedAmzHeaderAndUnsignedHost) {
  Owned added = Owned().sign();
  added.headers.emplace_back("X-Amz-Checksum-Mode", "ENABLED");
  EXPECT_EQ(outcome(added), "unsigned_header");
  Owned presigned = Owned().presign();
  presigned.headers.emplace_back("x-amz-meta", "1");
  EXPECT_EQ(outcome(presigned), "unsigned_header");
  Owned no_host;
  no_host.headers.clear();
  no_host.sign();
  EXPECT_EQ(outcome(no_host), "unsigned_header");
  Owned plain = Owned().sign();
  plain.headers.emplace_back("If-None-Match", "unsigned, and of no weight");
  EXPECT_EQ(outcome(plain), "");
}

TEST(Verify, RefusesRepeatedParametersAndHeaders) {
  for (const char* query : {"prefix=a&prefix=b", "prefix=a&prefix=a", "a&a", "%61=1&a=2"}) {
    Owned owned;
    owned.query = query;
    EXPECT_EQ(outcome(owned.sign()), "repeated") << query;
  }
  for (const char* name :
       {"x-amz-date", "X-AMZ-Content-Sha256", "x-amz-security-token", "HOST", "Authorization"}) {
    Owned owned = Owned().sign();
    owned.headers.emplace_back(name, owned.header(name));
    EXPECT_EQ(outcome(owned), "repeated") << name;
  }
}

TEST(Verify, RefusesSessionTokenInHeaderAndQuery) {
  Owned owned{.headers = {{"Host", "h"}, {"x-amz-security-token", "c2Vzc2lvbg"}}};
  EXPECT_EQ(outcome(owned.presign()), "repeated");
}

TEST(Verify, RefusesBothForms) {
  Owned both = Owned().presign();
  EXPECT_EQ(outcome(both.sign()), "both_forms");
  Owned token;
  token.query = "X-Amz-Security-Token=abc";
  EXPECT_EQ(outcome(token.sign()), "both_forms");
  Owned with_version_2;
  with_version_2.query = "AWSAccessKeyId=A&Signature=b&Expires=1";
  EXPECT_EQ(outcome(with_version_2.sign()), "both_forms");
}

TEST(Verify, RefusesSignatureVersion2AndUnknownAlgorithms) {
  for (const char* value :
       {"AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl", "Bearer abc", "Basic abc", "",
        "AWS4-ECDSA-P256-SHA256 Credential=a", "aws4-hmac-sha256 Credential=a"}) {
    Owned owned;
    owned.header("Authorization") = value;
    EXPECT_EQ(outcome(owned), "unsupported") << value;
  }
  Owned query;
  query.query = "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1175139620&Signature=x%3D";
  EXPECT_EQ(outcome(query), "unsupported");
}

TEST(Verify, RefusesBrokenEncodingNulAndInvalidUtf8) {
  for (const char* text :
       {"%", "%4", "%zz", "a%00b", "%ff", "%C3", "%c0%af", "%ED%A0%80", "\xff"}) {
    Owned path;
    path.path = std::string("/bucket/") + text;
    EXPECT_EQ(outcome(path.sign()), "bad_encoding") << text;
    Owned query;
    query.query = std::string("prefix=") + text;
    EXPECT_EQ(outcome(query.sign()), "bad_encoding") << text;
  }
}

TEST(Verify, TakesOneMeaningInSeveralEncodings) {
  const auto same_path = [](std::string_view a, std::string_view b) {
    Owned owned;
    owned.path = a;
    owned.sign();
    owned.path = b;
    return outcome(owned).empty();
  };
  EXPECT_TRUE(same_path("/b/a%2Fb", "/b/a/b"));
  EXPECT_TRUE(same_path("/b/%c3%a9", "/b/%C3%A9"));
  EXPECT_TRUE(same_path("/b/%41", "/b/A"));
  EXPECT_TRUE(same_path("/b/a b", "/b/a%20b"));
  EXPECT_TRUE(same_path("/b/a+b", "/b/a%2Bb"));
  EXPECT_FALSE(same_path("/b/a+b", "/b/a%20b"));
  EXPECT_FALSE(same_path("/b//a", "/b/a"));
  EXPECT_FALSE(same_path("/b/../a", "/a"));
  EXPECT_FALSE(same_path("/b/./a", "/b/a"));
  EXPECT_FALSE(same_path("/b/a%252F", "/b/a%2F"));
}

TEST(Verify, ReadsTheQueryAsTheServicesDo) {
  const auto same_query = [](std::string_view a, std::string_view b) {
    Owned owned;
    owned.query = a;
    owned.sign();
    owned.query = b;
    return outcome(owned).empty();
  };
  EXPECT_TRUE(same_query("location", "location="));
  EXPECT_TRUE(same_query("a=1&b=2", "b=2&a=1"));
  EXPECT_TRUE(same_query("prefix=a+b", "prefix=a%20b"));
  EXPECT_TRUE(same_query("prefix=a%2fb", "prefix=a/b"));
  EXPECT_TRUE(same_query("", "&"));
  EXPECT_FALSE(same_query("prefix=a%2Bb", "prefix=a+b"));
  EXPECT_FALSE(same_query("prefix=A", "prefix=a"));
  EXPECT_FALSE(same_query("", "location"));
  EXPECT_FALSE(same_query("", "=a")) << "a parameter without a name is signed, too";
}

TEST(Verify, ComparesTheSignatureExactly) {
  for (const bool presigned : {false, true}) {
    const Owned good = presigned ? Owned().presign() : Owned().sign();
    const auto with = [&](auto change) {
      Owned bad = good;
      std::string& text = presigned ? bad.query : bad.header("authorization");
      change(text, text.rfind("Signature=") + 10);
      return outcome(bad);
    };
    EXPECT_EQ(with([](std::string& text, std::size_t at) {
                for (char& c : std::span(text).subspan(at)) c = static_cast<char>(std::toupper(c));
              }),
              "mismatch");
    EXPECT_EQ(with([](std::string& text, std::size_t) { text.pop_back(); }), "mismatch");
    EXPECT_EQ(with([](std::string& text, std::size_t) { text += "0"; }), "mismatch");
    EXPECT_EQ(with([](std::string& text, std::size_t at) { text.replace(at, 64, "!"); }),
              "mismatch");
    EXPECT_EQ(with([](std::string& text, std::size_t at) { text.erase(at); }),
              presigned ? "malformed_query" : "malformed_header");
  }
}

TEST(Verify, KnowsWhetherABodyIsWhatWasSigned) {
  EXPECT_TRUE(payload_matches("", kEmptySha256));
  EXPECT_FALSE(payload_matches("x", kEmptySha256));
  EXPECT_TRUE(payload_matches("x", sha256_hex("x")));
  EXPECT_TRUE(
      payload_matches("x", "2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881"));
  EXPECT_TRUE(payload_matches("x", kUnsignedPayload));
  EXPECT_FALSE(payload_matches("", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
}

// Every byte of a signed request counts: changing any one of them is refused.
TEST(Verify, RefusesEverySingleAlteredByte) {
  std::mt19937 random(7);
  for (const bool presigned : {false, true}) {
    Owned good{.query = "list-type=2&prefix=v1/account_id%3D12/", .headers = {{"Host", "h:1"}}};
    presigned ? good.presign() : good.sign();
    ASSERT_EQ(outcome(good), "");
    const auto check = [&](std::string& text, const std::string& what) {
      for (std::size_t i = 0; i < text.size(); ++i) {
        const char before = text[i];
        text[i] = static_cast<char>(before ^ (random() % 2 == 0 ? 1 : 2));
        EXPECT_NE(outcome(good), "") << what << " at " << i << ": " << text;
        text[i] = before;
      }
    };
    check(good.method, "method");
    check(good.path, "path");
    check(good.query, "query");
    for (auto& header : good.headers) {
      const std::string name = header.first;
      check(header.first, name);
      check(header.second, name);
    }
  }
}

}  // namespace
}  // namespace valetkey::sigv4
