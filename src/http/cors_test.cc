// SPDX-License-Identifier: Apache-2.0
#include "http/cors.h"

#include <gtest/gtest.h>

namespace valetkey::http {
namespace {

Request from(std::vector<std::string_view> origins) {
  Request request;
  for (const auto origin : origins) request.headers.push_back({"Origin", origin});
  return request;
}

TEST(Cors, KnowsTheOneOriginOfARequest) {
  EXPECT_EQ(origin_of(from({"https://shop.example"})), "https://shop.example");
  EXPECT_EQ(origin_of(from({"null"})), "null");
  EXPECT_EQ(origin_of(from({})), std::nullopt);
  EXPECT_EQ(origin_of(from({""})), std::nullopt);
  EXPECT_EQ(origin_of(from({"https://a.example", "https://b.example"})), std::nullopt);
  EXPECT_EQ(origin_of(from({"https://a.example https://b.example"})), std::nullopt);
  EXPECT_EQ(origin_of(from({"https://\xFF"})), std::nullopt);
}

TEST(Cors, NamesTheOriginBecauseBrowsersTakeNoWildcardWithCredentials) {
  Response response(204);
  allow_origin(response, "https://shop.example");
  EXPECT_EQ(response.head_lines(),
            "Access-Control-Allow-Origin: https://shop.example\r\n"
            "Access-Control-Allow-Credentials: true\r\n");
}

TEST(Cors, AllowsExactlyTheListedOrigins) {
  const Origins one({"https://a.example"});
  EXPECT_EQ(one.allowed(from({"https://a.example"})), "https://a.example");
  for (const char* other : {"http://a.example", "https://a.example.evil", "null", "*"})
    EXPECT_EQ(one.allowed(from({other})), std::nullopt) << other;
  EXPECT_EQ(one.allowed(from({})), std::nullopt);
  EXPECT_EQ(Origins({"*"}).allowed(from({"https://b.example"})), "https://b.example");
  EXPECT_EQ(Origins({"*"}).allowed(from({})), std::nullopt);
  EXPECT_EQ(Origins({}).allowed(from({"https://a.example"})), std::nullopt);
}

}  // namespace
}  // namespace valetkey::http
