// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include <gtest/gtest.h>

#include "api/paths.h"

namespace valetkey::api {
namespace {

using http::Method;

TEST(Paths, HaveAFormAsAWhole) {
  std::vector<std::string_view> ids;
  EXPECT_TRUE(has_form("/a/b/c/d", "/a/{}/c/{id}", ids));
  EXPECT_EQ(ids, (std::vector<std::string_view>{"b", "d"}));
  EXPECT_TRUE(has_form("/a/%2F", "/a/{}", ids));
  EXPECT_EQ(ids, std::vector<std::string_view>{"%2F"}) << "as received";
  for (const char* path : {"/a", "/a/", "/a/b/", "/a/b/c", "/a//b", "a/b", "//b", "", "/", "{}"})
    EXPECT_FALSE(has_form(path, "/a/{}", ids)) << path;
  EXPECT_FALSE(has_form("/a/", "/a", ids));
}

TEST(Routes, AnswerHeadLikeGetAndNameTheOtherMethods) {
  const auto head = match_in(routes(), Method::head, "/v2/tokens");
  ASSERT_NE(head.route, nullptr);
  EXPECT_EQ(head.route->work, &Operations::list_tokens);
  const auto wrong = match_in(routes(), Method::put, "/v2/tokens/tok_a");
  EXPECT_EQ(wrong.route, nullptr);
  EXPECT_EQ(wrong.allow, "GET, HEAD, DELETE");
  EXPECT_EQ(match_in(routes(), Method::get, "/v2/tokens/a/b").allow, "");
}

// Each row has an answer, and what may block is not done on a loop.
TEST(Routes, SayWhereTheirWorkIsDone) {
  for (const Route& route : routes()) {
    EXPECT_EQ(route.work != nullptr, route.place != Place::loop) << route.path;
    if (route.place == Place::loop) EXPECT_NE(route.at_once, nullptr) << route.path;
    if (!route.shows) EXPECT_EQ(route.place, Place::loop) << route.path << ": for strangers";
    if (route.place == Place::issuer) EXPECT_NE(route.at_once, nullptr) << route.path;
  }
}

}  // namespace
}  // namespace valetkey::api
