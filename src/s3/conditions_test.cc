// SPDX-License-Identifier: Apache-2.0
#include "s3/conditions.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace valetkey::s3 {
namespace {

constexpr const char* kEtag = "d41d8cd98f00b204e9800998ecf8427e";
constexpr const char* kSame = "\"d41d8cd98f00b204e9800998ecf8427e\"";
constexpr const char* kOther = "\"00000000000000000000000000000000\"";
// 2020-09-13T12:26:40.500Z: the half second must not count.
const Timestamp kModified = from_epoch_ms(1'600'000'000'500);
constexpr const char* kAt = "Sun, 13 Sep 2020 12:26:40 GMT";
constexpr const char* kBefore = "Sun, 13 Sep 2020 12:26:39 GMT";

using Fields = std::vector<std::pair<std::string, std::string>>;

Verdict verdict(const Fields& fields) {
  http::Request request;
  for (const auto& [name, value] : fields) request.headers.push_back({name, value});
  return check_conditions(request, {kEtag, kModified}).verdict;
}

bool range_counts(const std::string& if_range) {
  http::Request request;
  request.headers.push_back({"If-Range", if_range});
  return range_applies(request, {kEtag, kModified});
}

TEST(Conditions, ProceedWithoutAny) { EXPECT_EQ(verdict({}), Verdict::proceed); }

TEST(Conditions, CompareTagsInEveryFormThatClientsSend) {
  for (const std::string& tag : {std::string(kSame), std::string(kEtag), std::string("*"),
                                 kOther + std::string(" , ") + kSame}) {
    EXPECT_EQ(verdict({{"If-Match", tag}}), Verdict::proceed) << tag;
    EXPECT_EQ(verdict({{"If-None-Match", tag}}), Verdict::not_modified) << tag;
  }
  EXPECT_EQ(verdict({{"If-Match", kOther}}), Verdict::failed);
  EXPECT_EQ(verdict({{"If-None-Match", kOther}}), Verdict::proceed);
}

TEST(Conditions, TakeAWeakTagOnlyForIfNoneMatch) {
  const std::string weak = std::string("W/") + kSame;
  EXPECT_EQ(verdict({{"If-Match", weak}}), Verdict::failed);
  EXPECT_EQ(verdict({{"If-None-Match", weak}}), Verdict::not_modified);
}

TEST(Conditions, CompareDatesInWholeSeconds) {
  EXPECT_EQ(verdict({{"If-Unmodified-Since", kAt}}), Verdict::proceed);
  EXPECT_EQ(verdict({{"If-Unmodified-Since", kBefore}}), Verdict::failed);
  EXPECT_EQ(verdict({{"If-Modified-Since", kAt}}), Verdict::not_modified);
  EXPECT_EQ(verdict({{"If-Modified-Since", kBefore}}), Verdict::proceed);
}

TEST(Conditions, LetTagsSilenceDates) {
  EXPECT_EQ(verdict({{"If-Match", kSame}, {"If-Unmodified-Since", kBefore}}), Verdict::proceed);
  EXPECT_EQ(verdict({{"If-None-Match", kOther}, {"If-Modified-Since", kAt}}), Verdict::proceed);
  EXPECT_EQ(verdict({{"If-None-Match", kSame}, {"If-Modified-Since", kBefore}}),
            Verdict::not_modified);
}

TEST(Conditions, FailBeforeTheyFindNothingModified) {
  EXPECT_EQ(verdict({{"If-Match", kOther}, {"If-None-Match", kSame}}), Verdict::failed);
  EXPECT_EQ(verdict({{"If-Match", kSame}, {"If-None-Match", kSame}}), Verdict::not_modified);
}

TEST(Conditions, IgnoreADateThatIsNone) {
  EXPECT_EQ(verdict({{"If-Unmodified-Since", "yesterday"}}), Verdict::proceed);
  EXPECT_EQ(verdict({{"If-Modified-Since", "2020-09-13"}}), Verdict::proceed);
}

TEST(Conditions, ReadEveryHeaderOfAName) {
  EXPECT_EQ(verdict({{"If-None-Match", kOther}, {"if-none-match", kSame}}), Verdict::not_modified);
}

TEST(Conditions, IfRangeNamesThisStateOrTheWholeObjectIsSent) {
  EXPECT_TRUE(range_counts(kSame));
  EXPECT_TRUE(range_counts(kAt));
  EXPECT_FALSE(range_counts(kOther));
  EXPECT_FALSE(range_counts(kBefore));
  EXPECT_FALSE(range_counts(std::string("W/") + kSame));
  EXPECT_FALSE(range_counts("*"));
  EXPECT_FALSE(range_counts(""));
}

}  // namespace
}  // namespace valetkey::s3
