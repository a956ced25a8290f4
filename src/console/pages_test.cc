// SPDX-License-Identifier: Apache-2.0
#include "console/pages.h"

#include <gtest/gtest.h>

#include <array>

namespace valetkey::console {
namespace {

constexpr auto kAssets = std::to_array<Asset>({
    {"/assets/index-4f2a.js", "text/javascript", "\"js\"", "plain script", "br", "gz", true},
    {"/assets/query-worker-1b.js", "text/javascript", "\"worker\"", "worker", "", "", true},
    {"/index.html", "text/html", "\"document\"", "<!doctype html>", "", "", false},
});

struct Asked {
  http::Request request;
  std::optional<http::Response> response;
  std::string header(std::string_view name) const {
    const std::string& lines = response->head_lines();
    const auto at = lines.find(std::string(name) + ": ");
    if (at == std::string::npos) return "";
    const auto begin = at + name.size() + 2;
    return lines.substr(begin, lines.find("\r\n", begin) - begin);
  }
};

Asked ask(std::string_view path, std::vector<http::Header> headers,
          http::Method method = http::Method::get) {
  const Pages pages(kAssets, "https://s3.example.com/below");
  Asked asked;
  asked.request.method = method;
  asked.request.path = path;
  asked.request.headers = std::move(headers);
  asked.response = pages.answer(asked.request);
  return asked;
}
const std::vector<http::Header> kBrowser{{"Accept", "text/html,application/xhtml+xml;q=0.9"}};

TEST(Pages, GivesABrowserTheDocumentAtEveryAddressOfAPage) {
  for (const char* path : {"/", "/export", "/tokens/tok_1/start", "/index.html"}) {
    const Asked asked = ask(path, kBrowser);
    ASSERT_TRUE(asked.response) << path;
    EXPECT_EQ(asked.response->body_bytes(), "<!doctype html>");
    EXPECT_EQ(asked.header("Cache-Control"), "no-cache");
  }
}

TEST(Pages, LeavesTheApiAndOtherClientsAlone) {
  for (const char* path : {"/v2/tokens", "/v1/events", "/v2", "/openapi.json", "/assets/gone.js"})
    EXPECT_FALSE(ask(path, kBrowser).response) << path;
  EXPECT_FALSE(ask("/", {{"Accept", "*/*"}}).response);
  EXPECT_FALSE(ask("/", {}).response);
  EXPECT_FALSE(ask("/", kBrowser, http::Method::post).response);
}

TEST(Pages, DoesWithoutADocumentAsIfThereWereNoPages) {
  const Pages pages({}, "https://s3.example.com");
  http::Request request;
  request.method = http::Method::get;
  request.path = "/";
  request.headers = kBrowser;
  EXPECT_TRUE(pages.empty());
  EXPECT_FALSE(pages.answer(request));
}

TEST(Pages, AllowsTheDocumentNothingButItsOwnOrigin) {
  const std::string policy = ask("/", kBrowser).header("Content-Security-Policy");
  EXPECT_TRUE(policy.contains("default-src 'none'; script-src 'self';"));
  EXPECT_TRUE(policy.contains("connect-src 'self';"));
  EXPECT_TRUE(policy.contains("frame-ancestors 'none'"));
  EXPECT_FALSE(policy.contains("wasm"));
  EXPECT_FALSE(policy.contains("unsafe-inline"));
  EXPECT_FALSE(policy.contains("s3.example.com"));
}

TEST(Pages, AllowsTheWorkerAloneToCompileAndToReachTheEndpoint) {
  const std::string policy =
      ask("/assets/query-worker-1b.js", {}).header("Content-Security-Policy");
  EXPECT_EQ(policy,
            "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' "
            "https://s3.example.com");
  EXPECT_FALSE(ask("/assets/index-4f2a.js", {}).header("Content-Security-Policy").contains("wasm"));
}

TEST(Pages, PacksAsTheClientAsksAndSaysSo) {
  const auto packed = [](std::string_view accepted) {
    return ask("/assets/index-4f2a.js", {{"Accept-Encoding", accepted}});
  };
  EXPECT_EQ(packed("gzip, deflate, br").header("Content-Encoding"), "br");
  EXPECT_EQ(packed("gzip, br;q=0").header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed("gzip;q=0.0, BR ; q=0.5").header("Content-Encoding"), "br");
  EXPECT_EQ(packed("identity").header("Content-Encoding"), "");
  EXPECT_EQ(packed("identity").response->body_bytes(), "plain script");
  EXPECT_EQ(packed("br").header("Cache-Control"), "public, max-age=31536000, immutable");
}

TEST(Pages, AnswersOfWhatTheBrowserHasOnlyThatItIsUnchanged) {
  const Asked asked = ask("/", {{"Accept", "text/html"}, {"If-None-Match", "W/\"document\""}});
  EXPECT_EQ(asked.response->status(), 304);
  EXPECT_EQ(asked.response->body_bytes(), "");
  EXPECT_EQ(ask("/", {{"Accept", "text/html"}, {"If-None-Match", "\"other\""}}).response->status(),
            200);
}

TEST(Pages, NamesInAPolicyOnlyTheOriginOfAUrl) {
  EXPECT_EQ(origin_of_url("https://s3.example.com:9000/a/b"), "https://s3.example.com:9000");
  EXPECT_EQ(origin_of_url("http://[::1]:9000"), "http://[::1]:9000");
  EXPECT_EQ(origin_of_url("nothing"), "");
}

}  // namespace
}  // namespace valetkey::console
