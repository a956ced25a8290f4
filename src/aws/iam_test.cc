// SPDX-License-Identifier: Apache-2.0
#include "aws/iam.h"

#include <gtest/gtest.h>

#include "aws/testing/script_fetcher.h"

namespace valetkey::aws {
namespace {

using testing::answer;
using testing::ScriptFetcher;
const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00Z").value();
const sigv4::SigningCredentials kOwn{"AKID", Secret("s"), std::nullopt};

Iam iam_at(ScriptFetcher& network) {
  return Iam::at(network, "https://iam.example.org", "us-east-1").value();
}

TEST(Iam, FindsTheNameInAnArn) {
  EXPECT_EQ(role_name("arn:aws:iam::123456789012:role/path/reader"), "reader");
  EXPECT_EQ(role_name("arn:aws:iam:::role/valetkey-1"), "valetkey-1");
  EXPECT_EQ(role_name("arn:aws:iam::1:user/ann"), "");
}

TEST(Iam, WritesThePolicyOfARole) {
  ScriptFetcher network([](const http::ClientRequest&) { return answer(200, "<x/>"); });
  ASSERT_TRUE(iam_at(network).put_role_policy("r", "read", R"({"a":"b c"})", kOwn, kNow));
  EXPECT_EQ(network.asked[0].body,
            "Action=PutRolePolicy&Version=2010-05-08&RoleName=r&PolicyName=read&PolicyDocument="
            "%7B%22a%22%3A%22b%20c%22%7D");
  EXPECT_TRUE(testing::header(network.asked[0], "Authorization").contains("/us-east-1/iam/"));
}

TEST(Iam, ReadsThePolicyOfARoleEncodedOrNot) {
  for (const char* text : {"%7B%22a%22%3A1%7D", "{&quot;a&quot;:1}"}) {
    ScriptFetcher network([text](const http::ClientRequest&) {
      return answer(
          200, std::string("<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>") + text +
                   "</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>");
    });
    EXPECT_EQ(iam_at(network).role_policy("r", "p", kOwn, kNow).value(), R"({"a":1})");
  }
  ScriptFetcher html([](const http::ClientRequest&) { return answer(200, "<html/>"); });
  EXPECT_FALSE(iam_at(html).role_policy("r", "p", kOwn, kNow));
}

TEST(Iam, TellsWhatWentWrongApart) {
  const auto code = [](int status, const std::string& name) {
    ScriptFetcher network([&](const http::ClientRequest&) {
      return answer(status, "<Error><Code>" + name + "</Code><Message></Message></Error>");
    });
    return iam_at(network).delete_role("r", kOwn, kNow).error().code;
  };
  EXPECT_EQ(code(404, "NoSuchEntity"), ErrorCode::not_found);
  EXPECT_EQ(code(409, "EntityAlreadyExists"), ErrorCode::already_exists);
  EXPECT_EQ(code(409, "ConcurrentModification"), ErrorCode::busy);
  EXPECT_EQ(code(403, "AccessDenied"), ErrorCode::denied);
  EXPECT_EQ(code(400, "Throttling"), ErrorCode::busy);
  EXPECT_EQ(code(503, ""), ErrorCode::unavailable);
}

}  // namespace
}  // namespace valetkey::aws
