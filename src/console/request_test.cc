// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "console/internal/cookie.h"
#include "console/internal/origin.h"

namespace valetkey::console {
namespace {

http::Request request_with(std::vector<http::Header> headers,
                           http::Method method = http::Method::post) {
  http::Request request;
  request.method = method;
  request.headers = std::move(headers);
  return request;
}

TEST(Cookie, IsReadByItsWholeNameOnly) {
  const auto request = request_with({{"Cookie", "a=1; valetkey=abc; xvaletkey=2; valetkeyx=3"}});
  EXPECT_EQ(read_cookie(request, CookieKind::session, false), "abc");
  EXPECT_FALSE(read_cookie(request, CookieKind::session, true));
  EXPECT_FALSE(read_cookie(request, CookieKind::sign_in, false));
}

TEST(Cookie, ThatComesTwiceIsNone) {
  EXPECT_FALSE(read_cookie(request_with({{"Cookie", "valetkey=a; valetkey=b"}}),
                           CookieKind::session, false));
  EXPECT_FALSE(read_cookie(request_with({{"Cookie", "valetkey=a"}, {"cookie", "valetkey=b"}}),
                           CookieKind::session, false));
  EXPECT_FALSE(read_cookie(request_with({{"Cookie", "valetkey"}}), CookieKind::session, false));
  EXPECT_FALSE(read_cookie(request_with({}), CookieKind::session, false));
}

TEST(Cookie, OfASessionNeverLeavesTheSiteNorReachesAScript) {
  EXPECT_EQ(cookie_line(CookieKind::session, true, "v", std::chrono::hours(1)),
            "__Host-valetkey=v; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict; Secure");
  EXPECT_EQ(cookie_line(CookieKind::session, false, "", std::chrono::hours(1)),
            "valetkey=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
  EXPECT_EQ(cookie_line(CookieKind::sign_in, true, "v", std::chrono::minutes(10)),
            "__Host-valetkey-sign-in=v; Path=/; Max-Age=600; HttpOnly; SameSite=Lax; Secure");
}

const http::Header kPage{"X-Valetkey-Console", "1"};
const http::Header kSame{"Sec-Fetch-Site", "same-origin"};

TEST(Origin, IsTheConsolesOwnPage) {
  EXPECT_TRUE(check_origin(request_with({kPage, kSame}), true));
  EXPECT_TRUE(check_origin(
      request_with({kPage, {"Origin", "http://10.0.0.1:8080"}, {"Host", "10.0.0.1:8080"}}), false));
  EXPECT_TRUE(check_origin(request_with({}, http::Method::get), true));
}

TEST(Origin, OfAnotherPageOrOfNoneIsRefused) {
  EXPECT_FALSE(check_origin(request_with({}), true));
  EXPECT_FALSE(check_origin(request_with({kPage}), true));
  EXPECT_FALSE(check_origin(request_with({kSame}), true));
  EXPECT_FALSE(check_origin(request_with({{"X-Valetkey-Console", "0"}, kSame}), true));
  for (const char* site : {"cross-site", "same-site", "none", "same-origin, same-origin"})
    EXPECT_FALSE(check_origin(request_with({kPage, {"Sec-Fetch-Site", site}}), true)) << site;
  // What the browser says counts more than an Origin that fits.
  EXPECT_FALSE(check_origin(
      request_with(
          {kPage, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://h"}, {"Host", "h"}}),
      true));
  EXPECT_FALSE(check_origin(request_with({kPage, {"Origin", "http://h"}, {"Host", "h"}}), true));
  EXPECT_FALSE(check_origin(
      request_with({kPage, {"Origin", "http://h.evil.example"}, {"Host", "h"}}), false));
  EXPECT_FALSE(check_origin(request_with({kPage, {"Origin", "null"}, {"Host", "h"}}), false));
}

TEST(Origin, TakesNoBodyButJson) {
  const auto with_body = [](std::vector<http::Header> headers) {
    headers.push_back(kPage);
    headers.push_back(kSame);
    auto request = request_with(std::move(headers));
    request.body = "{}";
    return check_origin(request, true);
  };
  EXPECT_TRUE(with_body({{"Content-Type", "application/json; charset=utf-8"}}));
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonx"})
    EXPECT_EQ(with_body({{"Content-Type", type}}).error().code,
              api::ProblemCode::unsupported_media_type);
  EXPECT_FALSE(with_body({}));
}

}  // namespace
}  // namespace valetkey::console
