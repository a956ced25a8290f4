// SPDX-License-Identifier: Apache-2.0
#include "aws/sts.h"

#include <gtest/gtest.h>

#include "aws/region.h"
#include "aws/testing/script_fetcher.h"

namespace valetkey::aws {
namespace {

using testing::answer;
using testing::ScriptFetcher;

const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00Z").value();
const sigv4::SigningCredentials kOwn{"AKIDEXAMPLE", Secret("wJalrXUtnFEMI"), std::nullopt};
const AssumeRole kAsk{.role_arn = "arn:aws:iam::123456789012:role/reader",
                      .session_name = "123-tok_1",
                      .policy = "{}",
                      .duration = seconds(3600)};

struct Asked {
  explicit Asked(http::ClientResponse response)
      : network([response](const http::ClientRequest&) { return response; }) {}
  StsResult<StsSession> assume(const AssumeRole& ask = kAsk) {
    return Sts::at(network, "https://sts.example.org", "us-east-1").value().assume(ask, kOwn, kNow);
  }
  ScriptFetcher network;
};

std::string refusal(const std::string& code, const std::string& message) {
  return "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender"
         "</Type><Code>" +
         code + "</Code><Message>" + message + "</Message></Error></ErrorResponse>";
}

TEST(Sts, AssumesARole) {
  Asked sts(answer(200, testing::session_xml("AssumeRole", "ASIA1", "2026-11-29T11:00:00Z")));
  const auto session = sts.assume();
  ASSERT_TRUE(session) << session.error().detail;
  EXPECT_EQ(session->keys.access_key_id, "ASIA1");
  EXPECT_EQ(session->keys.session_token->reveal(), "session");
  EXPECT_EQ(session->packed_policy, 6u);
  EXPECT_EQ(format_iso8601(session->expires), "2026-11-29T11:00:00Z");
  const auto& asked = sts.network.asked.at(0);
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.body,
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole"
            "%2Freader&RoleSessionName=123-tok_1&DurationSeconds=3600&Policy=%7B%7D");
  EXPECT_TRUE(testing::header(asked, "Authorization")
                  .contains("Credential=AKIDEXAMPLE/20261129/us-east-1/sts/aws4_request"));
}

TEST(Sts, SendsExternalIdAndTags) {
  Asked sts(answer(200, testing::session_xml("AssumeRole", "ASIA1", "2026-11-29T11:00:00Z")));
  AssumeRole ask = kAsk;
  ask.external_id = "a+b c";
  ask.tags = {{"account", "123"}, {"token", "tok_1"}};
  ASSERT_TRUE(sts.assume(ask));
  EXPECT_TRUE(sts.network.asked.at(0).body.ends_with(
      "&ExternalId=a%2Bb%20c&Tags.member.1.Key=account&Tags.member.1.Value=123"
      "&Tags.member.2.Key=token&Tags.member.2.Value=tok_1"));
}

TEST(Sts, NeverAsksForASessionWithoutAPolicy) {
  Asked sts(answer(200, testing::session_xml("AssumeRole", "ASIA1", "2026-11-29T11:00:00Z")));
  AssumeRole ask = kAsk;
  ask.policy.clear();
  EXPECT_FALSE(sts.assume(ask));
  EXPECT_TRUE(sts.network.asked.empty());
}

TEST(Sts, ReadsWhatCephWrites) {
  Asked sts(answer(
      200,
      "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>RJBpTeqTxxjQSexb9JJ"
      "</AccessKeyId><Expiration>2026-11-24T05:57:14.427074028Z</Expiration><SecretAccessKey>QPJ"
      "</SecretAccessKey><SessionToken>tA+/==</SessionToken></Credentials><AssumedRoleUser><Arn>"
      "arn:aws:sts:::assumed-role/r/s</Arn><AssumeRoleId>1:s</AssumeRoleId></AssumedRoleUser>"
      "<PackedPolicySize>0</PackedPolicySize></AssumeRoleResult></AssumeRoleResponse>"));
  const auto session = sts.assume();
  ASSERT_TRUE(session) << session.error().detail;
  EXPECT_EQ(format_iso8601_ms(session->expires), "2026-11-24T05:57:14.427Z");
  EXPECT_EQ(session->arn, "arn:aws:sts:::assumed-role/r/s");
}

TEST(Sts, TakesNothingForASessionThatIsNone) {
  const std::string good = testing::session_xml("AssumeRole", "ASIA1", "2026-11-29T11:00:00Z");
  const auto with = [&good](const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& text :
       {std::string("<html><body>Sign in</body></html>"), std::string(), std::string("{}"),
        testing::session_xml("AssumeRoleWithSAML", "ASIA1", "2026-11-29T11:00:00Z"),
        with("<AccessKeyId>ASIA1</AccessKeyId>", ""),
        with("<AccessKeyId>ASIA1</AccessKeyId>",
             "<AccessKeyId>A</AccessKeyId><AccessKeyId>B</AccessKeyId>"),
        with("ASIA1", "ASIA&#10;X: y"), with("ASIA1", "<b>ASIA</b>"), with("11:00:00Z", "noon"),
        with(">6<", ">600<")}) {
    Asked sts(answer(200, text));
    const auto session = sts.assume();
    ASSERT_FALSE(session) << text;
    EXPECT_EQ(session.error().fault, StsFault::not_sts);
  }
}

TEST(Sts, TellsTheFaultsApart) {
  const std::string chained =
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
      "chaining.";
  const std::string long_session =
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
  struct Case {
    int status;
    std::string body;
    StsFault fault;
  };
  const std::vector<Case> cases{
      {400, refusal("Throttling", "Rate exceeded"), StsFault::throttled},
      {503, refusal("SlowDown", ""), StsFault::throttled},
      {429, "", StsFault::throttled},
      {400, refusal("ValidationError", chained), StsFault::chained_too_long},
      {400, refusal("ValidationError", long_session), StsFault::too_long},
      {400, "<Error><Code>InvalidArgument</Code><Message></Message></Error>", StsFault::too_long},
      {400, refusal("PackedPolicyTooLarge", "x"), StsFault::policy_too_large},
      {400, refusal("MalformedPolicyDocument", "x"), StsFault::policy_malformed},
      {403, refusal("ExpiredToken", "x"), StsFault::own_expired},
      {400, refusal("ExpiredTokenException", "x"), StsFault::own_expired},
      {403, refusal("InvalidClientTokenId", "x"), StsFault::own_refused},
      {403, refusal("SignatureDoesNotMatch", "The request signature we calculated"),
       StsFault::own_refused},
      {403, refusal("SignatureDoesNotMatch", "Signature expired: 1 is now earlier"),
       StsFault::clock},
      {403, refusal("AccessDenied", "User is not authorized"), StsFault::denied},
      {403, "<Error><Code>AccessDenied</Code></Error>", StsFault::denied},
      {404, "<Error><Code>NoSuchEntity</Code></Error>", StsFault::no_role},
      {403, refusal("RegionDisabledException", "x"), StsFault::region_disabled},
      {301, "", StsFault::elsewhere},
      {500, "", StsFault::away},
      {503, "<html>", StsFault::away},
      {400, "<html>", StsFault::not_sts},
      {404, "{}", StsFault::not_sts}};
  for (const Case& c : cases) {
    Asked sts(answer(c.status, c.body));
    const auto session = sts.assume();
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().fault, c.fault) << c.status << " " << c.body;
    EXPECT_TRUE(session.error().detail.starts_with("https://sts.example.org "))
        << session.error().detail;
  }
}

TEST(Sts, NamesWhereARedirectLeads) {
  http::ClientResponse moved = answer(301);
  moved.headers = {{"Location", "https://sts.eu-west-1.amazonaws.com/"}};
  Asked sts(moved);
  EXPECT_EQ(sts.assume().error().detail,
            "https://sts.example.org answers 301, which leads to "
            "https://sts.eu-west-1.amazonaws.com/: set [issuer] endpoint and region to the one "
            "that is meant");
}

TEST(Sts, TellsWhoItIs) {
  Asked sts(answer(
      200,
      "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult><UserId>A</UserId><Account>1"
      "</Account><Arn>arn:aws:iam::1:user/ann</Arn></GetCallerIdentityResult>"
      "</GetCallerIdentityResponse>"));
  EXPECT_EQ(Sts::at(sts.network, "https://sts.example.org", "us-east-1")
                .value()
                .identity(kOwn, kNow)
                .value(),
            "arn:aws:iam::1:user/ann");
}

TEST(Sts, NeedsAnEndpointWithoutAPath) {
  auto network = testing::silence();
  EXPECT_FALSE(Sts::at(network, "https://sts.example.org/x", "us-east-1"));
  EXPECT_FALSE(Sts::at(network, "sts.example.org", "us-east-1"));
}

TEST(Region, KnowsTheDomainsOfThePartitions) {
  EXPECT_EQ(sts_endpoint("eu-central-1"), "https://sts.eu-central-1.amazonaws.com");
  EXPECT_EQ(sts_endpoint("cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(partition_of("us-gov-west-1").name, "aws-us-gov");
  const testing::Variables set{{"AWS_ENDPOINT_URL", "http://a"},
                               {"AWS_ENDPOINT_URL_STS", "http://b"}};
  EXPECT_EQ(sts_endpoint("x", set.environment()), "http://b");
}

}  // namespace
}  // namespace valetkey::aws
