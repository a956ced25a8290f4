// SPDX-License-Identifier: Apache-2.0
#include "s3/call.h"

#include <gtest/gtest.h>

namespace valetkey::s3 {
namespace {

constexpr const char* kDomain = "s3.example.com";

Answer<Call> parse(std::string_view host, std::string_view path, std::string_view query = "") {
  http::Request request;
  request.path = path;
  request.query = query;
  request.headers.push_back({"Host", host});
  return parse_call(request, kDomain);
}

std::string place(std::string_view host, std::string_view path) {
  const auto call = parse(host, path);
  return call ? call->bucket + "|" + call->key : "refused";
}

TEST(Call, ReadsPathStyle) {
  EXPECT_EQ(place("127.0.0.1:9000", "/bucket/v1/a"), "bucket|v1/a");
  EXPECT_EQ(place(kDomain, "/bucket/v1/a"), "bucket|v1/a");
  EXPECT_EQ(place("[::1]:9000", "/bucket"), "bucket|");
  EXPECT_EQ(place("localhost", "/bucket/"), "bucket|");
  EXPECT_EQ(place("localhost", "/"), "|");
}

TEST(Call, ReadsVirtualHostedStyle) {
  EXPECT_EQ(place("bucket.s3.example.com", "/v1/a"), "bucket|v1/a");
  EXPECT_EQ(place("BUCKET.S3.Example.Com:9000", "/"), "bucket|");
  EXPECT_EQ(place("a.b.s3.example.com", "/k"), "a.b|k");
}

TEST(Call, TakesNoOtherHostForABucket) {
  for (const char* host : {"bucket.s3.example.com.evil.org", "xs3.example.com", ".s3.example.com",
                           "bucket.s3.example.org", "bucket.s3.example.com:9x"})
    EXPECT_EQ(place(host, "/b/k"), "b|k") << host;
}

TEST(Call, DecodesThePathOnceAndNormalisesNothing) {
  EXPECT_EQ(place("h", "/bucket/a%2Fb%20c+d/../%252e//e"), "bucket|a/b c+d/../%2e//e");
  EXPECT_EQ(place("h", "/bucket%2Fa"), "bucket|a");
  EXPECT_EQ(place("h", "//bucket/a"), "|bucket/a");
}

TEST(Call, RefusesWhatIsNoText) {
  for (const char* path : {"/b/%00", "/b/a%", "/b/%zz", "/b/%C0%AF", "/b/%ED%A0%80", "/b/%FF",
                           "b/k", "", "*", "/b/\xFF"})
    EXPECT_EQ(place("h", path), "refused") << path;
  for (const char* query : {"prefix=%00", "prefix=%FF", "prefix=%", "%00=a", "%C0%AF"})
    EXPECT_FALSE(parse("h", "/b", query)) << query;
}

TEST(Call, NeedsExactlyOneHost) {
  http::Request request;
  request.path = "/b/k";
  EXPECT_FALSE(parse_call(request, kDomain));
  request.headers.push_back({"Host", "a"});
  EXPECT_TRUE(parse_call(request, kDomain));
  request.headers.push_back({"host", "bucket.s3.example.com"});
  EXPECT_FALSE(parse_call(request, kDomain));
}

TEST(Call, ReadsParameters) {
  const auto call = parse("h", "/b", "list-type=2&prefix=a+b%2Bc&location&delimiter=");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->value("list-type"), "2");
  EXPECT_EQ(call->value("prefix"), "a b+c");
  ASSERT_NE(call->parameter("location"), nullptr);
  EXPECT_FALSE(call->parameter("location")->has_value);
  EXPECT_TRUE(call->parameter("delimiter")->has_value);
  EXPECT_EQ(call->parameter("Prefix"), nullptr);
}

}  // namespace
}  // namespace valetkey::s3
