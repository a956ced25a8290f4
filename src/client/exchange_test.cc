// SPDX-License-Identifier: Apache-2.0
#include "client/exchange.h"

#include <gtest/gtest.h>

namespace valetkey::client {
namespace {

const std::string kKeys =
    R"("credentials":{"accessKeyId":"ASIA1","secretAccessKey":"sec","sessionToken":"ses","expiration":1591026407394})";

Result<Grant> parse(const std::string& inner) {
  return parse_exchange("{" + inner + "}", from_epoch_ms(5));
}

TEST(Exchange, ReadsEndpointAndRegion) {
  const auto grant = parse(
      kKeys +
      R"(,"s3Path":"s3://b/v1/account_id=1/","endpoint":"http://127.0.0.1:9000/","region":"r")");
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(grant->keys.access_key_id, "ASIA1");
  EXPECT_EQ(grant->keys.secret_access_key.reveal(), "sec");
  EXPECT_EQ(grant->keys.session_token->reveal(), "ses");
  EXPECT_EQ(epoch_ms(grant->expires), 1591026407394);
  EXPECT_EQ(epoch_ms(grant->fetched), 5);
  EXPECT_EQ(grant->bucket, "b");
  EXPECT_EQ(grant->prefix, "v1/account_id=1/");
  EXPECT_EQ(grant->endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(grant->region, "r");
}

TEST(Exchange, TakesAServiceThatNamesNoEndpointToBeOnAws) {
  const auto grant = parse(kKeys + R"(,"s3Path":"s3://b/v1/account_id=1")");
  ASSERT_TRUE(grant) << grant.error().detail;
  EXPECT_EQ(grant->endpoint, "https://s3.us-east-1.amazonaws.com");
  EXPECT_EQ(grant->region, "us-east-1");
  EXPECT_EQ(grant->prefix, "v1/account_id=1/");
}

TEST(Exchange, RefusesWhatIsNotOneWithoutRepeatingIt) {
  for (
      const std::string& body : std::vector<std::string>{
          "", "<html>secret</html>", "[]", "{}", R"({"credentials":{}})", "{" + kKeys + "}",
          "{" + kKeys + R"(,"s3Path":"https://secret/"})", "{" + kKeys + R"(,"s3Path":"s3://b"})",
          "{" + kKeys + R"(,"s3Path":"s3://b/"})", "{" + kKeys + R"(,"s3Path":"s3:///x"})",
          "{" + kKeys + R"(,"s3Path":"s3://b/x","endpoint":"secret"})",
          "{" + kKeys + R"(,"s3Path":"s3://b/x","endpoint":1})",
          R"({"credentials":{"accessKeyId":"a\nb","secretAccessKey":"secret","sessionToken":"x","expiration":1},"s3Path":"s3://b/x/"})",
          R"({"credentials":{"accessKeyId":"a","secretAccessKey":"secret","sessionToken":"x","expiration":"1"},"s3Path":"s3://b/x/"})"}) {
    const auto grant = parse_exchange(body, Timestamp{});
    ASSERT_FALSE(grant) << body;
    EXPECT_EQ(grant.error().code, ErrorCode::corrupt);
    EXPECT_EQ(grant.error().detail.find("secret"), std::string::npos);
  }
}

TEST(Exchange, SaysThatSomethingElseMayHaveAnswered) {
  const auto grant = parse_exchange("<html>login</html>", Timestamp{});
  ASSERT_FALSE(grant);
  for (const char* words : {"not an exchange", "proxy", "login page", "VALETKEY_API"})
    EXPECT_NE(grant.error().detail.find(words), std::string::npos) << grant.error().detail;
}

TEST(Exchange, KeepsMessagesOfErrorsPrintable) {
  EXPECT_EQ(message_of_problem(R"({"message":"gone\u001b[2J"})"), "gone?[2J");
  EXPECT_EQ(message_of_problem("<html>"), "");
  EXPECT_LE(message_of_problem(R"({"message":")" + std::string(9000, 'x') + "\"}").size(), 300U);
}

TEST(Exchange, KeepsSecretsOffPlainHttpToOthers) {
  EXPECT_TRUE(check_private(*http::Url::parse("https://example.com"), false));
  EXPECT_TRUE(check_private(*http::Url::parse("http://127.0.0.1:8080"), false));
  EXPECT_TRUE(check_private(*http::Url::parse("http://localhost:8080"), false));
  EXPECT_TRUE(check_private(*http::Url::parse("http://example.com"), true));
  EXPECT_FALSE(check_private(*http::Url::parse("http://example.com"), false));
  EXPECT_FALSE(check_private(*http::Url::parse("http://localhost.example.com"), false));
}

}  // namespace
}  // namespace valetkey::client
