// SPDX-License-Identifier: Apache-2.0
#include "aws/source.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "aws/testing/script_fetcher.h"
#include "base/file.h"
#include "base/testing/temporary_folder.h"

namespace valetkey::aws {
namespace {

using testing::answer;
using testing::header;
using testing::ScriptFetcher;
using testing::silence;
using testing::Variables;

const Timestamp kNow = parse_iso8601("2026-11-29T10:00:00Z").value();
constexpr const char* kLater = "2026-11-29T16:00:00Z";

std::string endpoint_json(const std::string& id) {
  return R"({"Code":"Success","AccessKeyId":")" + id +
         R"(","SecretAccessKey":"s","Token":"t","Expiration":")" + kLater + R"("})";
}

class Sources : public ::testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const auto path = folder_.path() / name;
    EXPECT_TRUE(replace_file(path, text));
    return path.string();
  }
  Result<OwnKeys> find(const Variables& variables, const std::string& profile = "") {
    return find_credentials({variables.environment(), network_, metadata_, "eu-central-1"}, profile,
                            kNow);
  }

  TemporaryFolder folder_;
  ScriptFetcher network_ = silence(), metadata_ = silence();
};

TEST_F(Sources, TakesKeysFromTheEnvironmentFirst) {
  const auto found = find({{"AWS_ACCESS_KEY_ID", "AKIA"},
                           {"AWS_SECRET_ACCESS_KEY", "s"},
                           {"AWS_SESSION_TOKEN", "t"},
                           {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->keys.access_key_id, "AKIA");
  EXPECT_EQ(found->keys.session_token->reveal(), "t");
  EXPECT_EQ(found->from, "the environment");
  EXPECT_TRUE(metadata_.asked.empty());
}

TEST_F(Sources, RefusesHalfAPairOfKeys) {
  const auto found = find({{"AWS_ACCESS_KEY_ID", "AKIA"}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail,
            "AWS_ACCESS_KEY_ID is set, but not AWS_SECRET_ACCESS_KEY: set both, or neither");
}

TEST_F(Sources, ExchangesAWebIdentityWhoseTokenIsReadEachTime) {
  network_ = ScriptFetcher([](const http::ClientRequest& request) {
    if (testing::url_of(request) != "https://sts.eu-central-1.amazonaws.com/" ||
        request.method != "POST" || !header(request, "Authorization").empty() ||
        !request.body.starts_with("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"))
      return answer(404);
    return answer(200, testing::session_xml("AssumeRoleWithWebIdentity", "ASIAWEB", kLater));
  });
  const Variables variables{{"AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "first\n")},
                            {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                            {"AWS_ROLE_SESSION_NAME", "pod-1"}};
  const auto found = find(variables);
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "ASIAWEB");
  EXPECT_EQ(format_iso8601(*found->expires), kLater);
  (void)file("token", "second");
  ASSERT_TRUE(find(variables));
  EXPECT_TRUE(network_.asked[0].body.contains("WebIdentityToken=first&"));
  EXPECT_TRUE(network_.asked[1].body.contains("WebIdentityToken=second&"));
  EXPECT_TRUE(network_.asked[0].body.contains("RoleSessionName=pod-1&"));
}

TEST_F(Sources, NamesAWebIdentityWithoutARole) {
  const auto found = find({{"AWS_WEB_IDENTITY_TOKEN_FILE", file("token", "x")}});
  ASSERT_FALSE(found);
  EXPECT_TRUE(found.error().detail.contains("set AWS_ROLE_ARN"));
}

TEST_F(Sources, ReadsAProfileOfTheCredentialsFile) {
  const auto found =
      find({{"AWS_PROFILE", "reader"},
            {"AWS_SHARED_CREDENTIALS_FILE", file("credentials",
                                                 "[reader]\naws_access_key_id = AKIAR\n"
                                                 "aws_secret_access_key = sec ; comment\n")}});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "AKIAR");
  EXPECT_EQ(found->keys.secret_access_key.reveal(), "sec");
}

TEST_F(Sources, RunsACredentialProcess) {
  const std::string config =
      file("config", "[profile p]\ncredential_process = echo '" +
                         std::string(R"({"Version":1,"AccessKeyId":"AKIAP",)") +
                         R"("SecretAccessKey":"s"})" + "'\n");
  const auto found = find({{"AWS_PROFILE", "p"}, {"AWS_CONFIG_FILE", config}});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "AKIAP");
  EXPECT_FALSE(found->keys.session_token);
}

TEST_F(Sources, TellsThatACredentialProcessFailedWithoutItsOutput) {
  const std::string config =
      file("config", "[profile p]\ncredential_process = echo sekrit; exit 3\n");
  const auto found = find({{"AWS_PROFILE", "p"}, {"AWS_CONFIG_FILE", config}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, "the AWS profile p: credential_process failed with status 3");
}

TEST_F(Sources, AssumesTheRoleOfAProfileWithItsSource) {
  network_ = ScriptFetcher([](const http::ClientRequest& request) {
    if (!header(request, "Authorization").contains("Credential=AKIAB/20261129/us-east-2/sts/"))
      return answer(403);
    return answer(200, testing::session_xml("AssumeRole", "ASIAROLE", kLater));
  });
  const std::string config =
      file("config",
           "[default]\nregion = eu-west-1\n[profile role]\nrole_arn = arn:aws:iam::1:role/r\n"
           "source_profile = base\nexternal_id = a b\nregion = us-east-2\n"
           "duration_seconds = 900\n[profile base]\naws_access_key_id=AKIAB\n"
           "aws_secret_access_key=s\n");
  const auto found = find({{"AWS_PROFILE", "role"}, {"AWS_CONFIG_FILE", config}});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "ASIAROLE");
  const std::string& body = network_.asked[0].body;
  EXPECT_EQ(testing::url_of(network_.asked[0]), "https://sts.us-east-2.amazonaws.com/");
  EXPECT_TRUE(body.contains("ExternalId=a%20b")) << body;
  EXPECT_TRUE(body.contains("DurationSeconds=900")) << body;
}

TEST_F(Sources, TellsOfProfilesThatLeadToEachOther) {
  const std::string config =
      file("config",
           "[profile a]\nrole_arn=arn:aws:iam::1:role/a\nsource_profile=b\n"
           "[profile b]\nrole_arn=arn:aws:iam::1:role/b\nsource_profile=a\n");
  const auto found = find({{"AWS_PROFILE", "a"}, {"AWS_CONFIG_FILE", config}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, "the AWS profile a leads back to itself");
}

TEST_F(Sources, NamesAProfileThatIsNotThere) {
  const auto found =
      find({{"AWS_CONFIG_FILE", file("config", "[default]\nregion = x\n")}}, "nobody");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, "the AWS profile nobody is in no configuration file of AWS");
}

TEST_F(Sources, NamesTheLineOfABrokenFile) {
  const std::string path = file("config", "[default]\nregion = x\nnonsense\n");
  const auto found = find({{"AWS_CONFIG_FILE", path}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().detail, path + ": line 3 is not NAME = VALUE");
}

TEST_F(Sources, AsksTheContainersEndpointWithItsToken) {
  metadata_ = ScriptFetcher([](const http::ClientRequest& request) {
    if (testing::url_of(request) != "http://169.254.170.2/v2/credentials/1" ||
        header(request, "Authorization") != "Bearer now")
      return answer(404);
    return answer(200, endpoint_json("ASIATASK"));
  });
  const auto found =
      find({{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"},
            {"AWS_CONTAINER_AUTHORIZATION_TOKEN", "older"},
            {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file("auth", "Bearer now\n")}});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "ASIATASK");
}

TEST_F(Sources, SendsTheContainersTokenToNoStranger) {
  for (const char* url : {"http://10.0.0.1/x", "http://example.org/", "http://[fd00:ec2::24]/"}) {
    const auto found = find({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}});
    ASSERT_FALSE(found) << url;
    EXPECT_EQ(found.error().code, ErrorCode::denied);
  }
  metadata_ =
      ScriptFetcher([](const http::ClientRequest&) { return answer(200, endpoint_json("ASIA")); });
  for (const char* url : {"http://127.0.0.1:81/x", "http://[fd00:ec2::23]/v1", "http://[::1]/",
                          "http://169.254.170.23/v1", "https://example.org/x"})
    EXPECT_TRUE(find({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", url}})) << url;
}

// As the documentation has it: a session first, and a header with it at every question.
Result<http::ClientResponse> instance(const http::ClientRequest& request) {
  const std::string& target = request.url.target;
  if (request.method == "PUT" && target == "/latest/api/token" &&
      header(request, "X-aws-ec2-metadata-token-ttl-seconds") == "21600")
    return answer(200, "session-1");
  if (request.method != "GET" || header(request, "X-aws-ec2-metadata-token") != "session-1")
    return answer(401);
  if (target == "/latest/meta-data/iam/security-credentials/") return answer(200, "node-role");
  if (target == "/latest/meta-data/iam/security-credentials/node-role")
    return answer(200, endpoint_json("ASIANODE"));
  return answer(404);
}

TEST_F(Sources, AsksTheInstanceInItsSecondVersion) {
  metadata_ = ScriptFetcher(instance);
  const auto found = find({});
  ASSERT_TRUE(found) << found.error().detail;
  EXPECT_EQ(found->keys.access_key_id, "ASIANODE");
  EXPECT_EQ(found->from, "the role node-role of this instance");
  EXPECT_EQ(metadata_.asked.size(), 3u);
}

TEST_F(Sources, NeverAsksTheInstanceInItsFirstVersion) {
  metadata_ = ScriptFetcher([](const http::ClientRequest& request) {
    return request.method == "PUT" ? answer(403) : answer(200, "node-role");
  });
  EXPECT_FALSE(find({}));
  EXPECT_EQ(metadata_.asked.size(), 1u);
}

TEST_F(Sources, SaysWhatToSetWhereNothingIs) {
  const auto found = find({{"AWS_EC2_METADATA_DISABLED", "true"}});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::not_found);
  EXPECT_TRUE(found.error().detail.contains("set AWS_ACCESS_KEY_ID"));
  EXPECT_TRUE(metadata_.asked.empty());
}

}  // namespace
}  // namespace valetkey::aws
