// SPDX-License-Identifier: Apache-2.0
#include "aws/session_policy.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace valetkey::aws {
namespace {

std::string why(const Result<std::string>& result) { return result ? "" : result.error().detail; }

TEST(SessionPolicy, OpensOnePrefixToListAndRead) {
  EXPECT_EQ(prefix_policy({.bucket = "lake", .prefixes = {"v1/account_id=123/"}}).value(),
            R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket"],)"
            R"("Resource":["arn:aws:s3:::lake"],"Condition":{"StringLike":{"s3:prefix":)"
            R"(["v1/account_id=123/*"]}}},{"Effect":"Allow","Action":["s3:GetObject"],)"
            R"("Resource":["arn:aws:s3:::lake/v1/account_id=123/*"]}]})");
}

TEST(SessionPolicy, NamesThePartitionAndTheKeyOfTheBucket) {
  const std::string text = prefix_policy({.bucket = "lake",
                                          .prefixes = {"a/"},
                                          .partition = "aws-cn",
                                          .kms_key_arn = "arn:aws-cn:kms:cn-north-1:1:key/k"})
                               .value();
  EXPECT_TRUE(text.contains(R"("arn:aws-cn:s3:::lake/a/*")"));
  EXPECT_TRUE(text.contains(
      R"({"Effect":"Allow","Action":["kms:Decrypt"],"Resource":["arn:aws-cn:kms:cn-north-1:1:key/k"]})"));
}

TEST(SessionPolicy, BoundsTheNetworksOfBothActions) {
  const std::string text =
      prefix_policy({.bucket = "lake", .prefixes = {"a/"}, .sources = {"10.0.0.0/8"}}).value();
  std::size_t times = 0;
  for (auto at = text.find("aws:SourceIp"); at != std::string::npos;
       at = text.find("aws:SourceIp", at + 1))
    ++times;
  EXPECT_EQ(times, 2u);
}

TEST(SessionPolicy, EscapesWhatJsonWouldRead) {
  const std::string text = prefix_policy({.bucket = "lake", .prefixes = {"a\"b\\c é/"}}).value();
  const auto parsed = boost::json::parse(text);
  EXPECT_EQ(parsed.at("Statement").at(1).at("Resource").at(0).as_string(),
            "arn:aws:s3:::lake/a\"b\\c é/*");
}

TEST(SessionPolicy, RefusesPatternsVariablesAndOtherAlphabets) {
  for (const char* prefix : {"v1/*/", "v1/account_id=1?/", "${aws:username}/", "v1/日本/", "ā/"})
    EXPECT_NE(why(prefix_policy({.bucket = "lake", .prefixes = {prefix}})), "") << prefix;
  for (const char* prefix : {"", "v1/account_id=12", "/v1/", "v1//a/", "v1/../a/", "./", "a\n/"})
    EXPECT_FALSE(prefix_policy({.bucket = "lake", .prefixes = {prefix}})) << prefix;
  EXPECT_FALSE(prefix_policy({.bucket = "lake", .prefixes = {"\xff/"}}));
  EXPECT_FALSE(prefix_policy({.bucket = "La*ke", .prefixes = {"a/"}}));
}

TEST(SessionPolicy, IsNeverEmpty) {
  EXPECT_EQ(why(prefix_policy({.bucket = "lake", .prefixes = {}})),
            "a prefix is needed: a policy without one is everything");
}

TEST(SessionPolicy, RefusesMoreThan2048Characters) {
  std::vector<std::string> many;
  for (int i = 0; i < 60; ++i) many.push_back("v1/type=" + std::to_string(i) + "/");
  const auto text = prefix_policy({.bucket = "lake", .prefixes = many});
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ErrorCode::too_large);
}

TEST(SessionPolicy, NeverComparesIfExists) {
  EXPECT_FALSE(prefix_policy({.bucket = "lake", .prefixes = {"a/"}, .sources = {"::1"}})
                   .value()
                   .contains("IfExists"));
}

TEST(TrustPolicy, DeniesSessionsOnCeph) {
  EXPECT_EQ(
      ceph_trust_policy("arn:aws:iam:::user/svc"),
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam:::user/svc"]},)"
      R"("Action":["sts:AssumeRole"]},{"Effect":"Deny","Principal":{"AWS":["*"]},"Action":["sts:AssumeRole"],)"
      R"("Condition":{"StringLike":{"aws:userid":"*"}}}]})");
}

}  // namespace
}  // namespace valetkey::aws
