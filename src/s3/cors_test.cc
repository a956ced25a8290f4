// SPDX-License-Identifier: Apache-2.0
// Which pages of other origins may read what is answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "s3/testing/three_objects.h"

namespace valetkey::s3 {
namespace {

using testing::HasSubstr;

class CorsTest : public ServiceTest {};

TEST_F(CorsTest, LetsConfiguredOriginsReadAnswers) {
  const Reply reply = object(kKey, {{"Origin", "https://app.example.com"}});
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(reply.header("Access-Control-Allow-Credentials"), "true");
  for (const char* name : {"ETag", "Content-Range", "x-amz-request-id"})
    EXPECT_THAT(reply.header("Access-Control-Expose-Headers"), HasSubstr(name));
  EXPECT_THAT(reply.header("Vary"), HasSubstr("Origin"));
  const Reply stranger = object(kKey, {{"Origin", "https://app.example.com.evil.org"}});
  EXPECT_EQ(stranger.status, 200);
  EXPECT_EQ(stranger.header("Access-Control-Allow-Origin"), "");
}

Ask preflight(const std::string& origin, const std::string& method, const std::string& headers) {
  Ask ask;
  ask.method = "OPTIONS";
  ask.path = "/any/thing";
  ask.headers = {{"Host", "h"},
                 {"Origin", origin},
                 {"Access-Control-Request-Method", method},
                 {"Access-Control-Request-Headers", headers}};
  return ask;
}

TEST_F(CorsTest, AnswersPreflightsOfConfiguredOriginsOnly) {
  const std::string origin = "https://app.example.com";
  const Reply reply = world_.send(preflight(origin, "GET", "authorization,x-amz-date"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), origin);
  EXPECT_EQ(reply.header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(reply.header("Access-Control-Allow-Headers"), "authorization,x-amz-date");
  EXPECT_EQ(reply.header("Access-Control-Allow-Methods"), "GET, HEAD");
  EXPECT_EQ(world_.send(preflight("https://evil.org", "GET", "")).code(), "AccessForbidden");
  EXPECT_EQ(world_.send(preflight(origin, "PUT", "")).code(), "AccessForbidden");
  EXPECT_EQ(world_.send(preflight(origin, "GET", "a:b\x01")).code(), "AccessForbidden");
  EXPECT_EQ(world_
                .send({.method = "OPTIONS",
                       .path = "/",
                       .query = {},
                       .headers = {},
                       .body = {},
                       .body_complete = true})
                .status,
            400);
}

}  // namespace
}  // namespace valetkey::s3
