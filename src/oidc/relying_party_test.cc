// SPDX-License-Identifier: Apache-2.0
#include "oidc/relying_party.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/crypto.h"
#include "base/encoding.h"
#include "http/testing/whole_fetcher.h"
#include "oidc/testing/signer.h"

namespace valetkey::oidc {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace json = boost::json;
constexpr Timestamp kNow = Timestamp(std::chrono::seconds(1'700'000'000));
const std::string kIssuer = "https://accounts.example";

// Answers as a provider does; every request is kept.
class Provider final : public http::testing::WholeFetcher {
 public:
  Result<http::ClientResponse> fetch(http::ClientRequest request) override {
    const std::string url =
        request.url.scheme + "://" + request.url.authority() + request.url.target;
    asked.push_back(request);
    const auto found = answers.find(url);
    if (found == answers.end()) return fail(ErrorCode::unavailable, url + ": no answer in time");
    http::ClientResponse response;
    response.status = found->second.first;
    response.body = found->second.second;
    return response;
  }
  std::size_t count(std::string_view target) const {
    return std::ranges::count_if(asked,
                                 [target](const auto& one) { return one.url.target == target; });
  }
  std::map<std::string, std::pair<int, std::string>> answers;
  std::vector<http::ClientRequest> asked;
};

class Relying : public ::testing::Test {
 protected:
  Relying() {
    publish(document);
    provider.answers[kIssuer + "/keys"] = {200, testing::jwks({signer.jwk()})};
  }
  void publish(const json::object& text) {
    provider.answers[kIssuer + "/.well-known/openid-configuration"] = {200, json::serialize(text)};
  }
  void give(const testing::Signer& by, const std::string& nonce) {
    auto claims = testing::good_claims(1'700'000'000);
    claims["nonce"] = nonce;
    provider.answers[kIssuer + "/token"] = {
        200, json::serialize(json::object{{"id_token", by.sign(claims)}})};
  }
  json::object document{{"issuer", kIssuer},
                        {"authorization_endpoint", kIssuer + "/auth?tenant=1"},
                        {"token_endpoint", kIssuer + "/token"},
                        {"jwks_uri", kIssuer + "/keys"}};
  testing::Signer signer{"ES256"};
  Provider provider;
  RelyingParty party{{kIssuer, "valetkey", Secret("sec ret"), "https://valetkey.example/back"},
                     provider};
};

TEST_F(Relying, SendsTheBrowserAwayWithAChallengeAndNoSecret) {
  const auto begun = party.begin(kNow);
  ASSERT_TRUE(begun) << begun.error().detail;
  EXPECT_THAT(begun->url,
              StartsWith(kIssuer + "/auth?tenant=1&response_type=code&client_id=valetkey&"));
  EXPECT_THAT(begun->url, HasSubstr("scope=openid%20email"));
  EXPECT_THAT(begun->url, HasSubstr("redirect_uri=https%3A%2F%2Fvaletkey.example%2Fback"));
  EXPECT_THAT(begun->url,
              HasSubstr("code_challenge=" + base64url(as_text(sha256(begun->verifier.reveal())))));
  EXPECT_THAT(begun->url, ::testing::Not(HasSubstr(std::string(begun->verifier.reveal()))));
  const auto other = party.begin(kNow);
  EXPECT_NE(begun->state, other->state);
  EXPECT_NE(begun->nonce, other->nonce);
  EXPECT_EQ(1U, provider.count("/.well-known/openid-configuration"));
}

TEST_F(Relying, BuysAPersonWithTheCodeTheSecretAndTheVerifier) {
  const auto begun = party.begin(kNow);
  give(signer, begun->nonce);
  const auto person = party.finish("the/code", *begun, kNow);
  ASSERT_TRUE(person) << person.error().detail;
  EXPECT_EQ("ann@example.com", person->email);
  const auto& request = provider.asked.at(1);
  EXPECT_THAT(request.body, HasSubstr("code=the%2Fcode&"));
  EXPECT_THAT(request.body, HasSubstr("code_verifier=" + std::string(begun->verifier.reveal())));
  EXPECT_THAT(request.headers, ::testing::Contains(std::pair<std::string, std::string>(
                                   "Authorization", "Basic " + base64("valetkey:sec%20ret"))));
}

TEST_F(Relying, SendsTheSecretInTheBodyWhereTheProviderWantsItThere) {
  document["token_endpoint_auth_methods_supported"] = json::array{"client_secret_post"};
  publish(document);
  const auto begun = party.begin(kNow);
  give(signer, begun->nonce);
  ASSERT_TRUE(party.finish("code", *begun, kNow));
  EXPECT_THAT(provider.asked.at(1).body, HasSubstr("client_secret=sec%20ret"));
}

TEST_F(Relying, RefusesAProviderThatNamesItselfOtherwise) {
  document["issuer"] = kIssuer + "/";
  publish(document);
  const auto begun = party.begin(kNow);
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().detail, HasSubstr("must be exactly that"));
}

TEST_F(Relying, AsksNobodyInClear) {
  document["token_endpoint"] = "http://accounts.example/token";
  publish(document);
  const auto begun = party.begin(kNow);
  ASSERT_TRUE(begun);
  EXPECT_FALSE(party.finish("code", *begun, kNow));
  EXPECT_EQ(0U, provider.count("/token"));
  EXPECT_TRUE(check_issuer("http://127.0.0.1:9000"));
  EXPECT_FALSE(check_issuer("http://127.0.0.1.example"));
  EXPECT_FALSE(check_issuer("http://accounts.example"));
}

TEST_F(Relying, LooksForANewKeyAtMostOnceAMinute) {
  const auto begun = party.begin(kNow);
  give(signer, begun->nonce);
  ASSERT_TRUE(party.finish("code", *begun, kNow));
  const testing::Signer second("ES256", "second");
  give(second, begun->nonce);
  EXPECT_FALSE(party.finish("code", *begun, kNow + seconds(59)));
  EXPECT_EQ(1U, provider.count("/keys"));
  provider.answers[kIssuer + "/keys"] = {200, testing::jwks({signer.jwk(), second.jwk()})};
  EXPECT_TRUE(party.finish("code", *begun, kNow + seconds(60)));
  EXPECT_EQ(2U, provider.count("/keys"));
}

TEST_F(Relying, TellsAUsedCodeFromAFailureAndAnUnverifiedAddress) {
  const auto begun = party.begin(kNow);
  provider.answers[kIssuer + "/token"] = {400, R"({"error":"invalid_grant"})"};
  EXPECT_EQ(Refusal::expired, party.finish("code", *begun, kNow).error().refusal);
  provider.answers[kIssuer + "/token"] = {401, R"({"error":"invalid_client"})"};
  EXPECT_EQ(Refusal::failed, party.finish("code", *begun, kNow).error().refusal);
  provider.answers.erase(kIssuer + "/token");
  EXPECT_EQ(Refusal::failed, party.finish("code", *begun, kNow).error().refusal);
  auto claims = testing::good_claims(1'700'000'000);
  claims["nonce"] = begun->nonce;
  claims["email_verified"] = false;
  provider.answers[kIssuer + "/token"] = {
      200, json::serialize(json::object{{"id_token", signer.sign(claims)}})};
  EXPECT_EQ(Refusal::unverified, party.finish("code", *begun, kNow).error().refusal);
  give(signer, "of another request");
  EXPECT_EQ(Refusal::failed, party.finish("code", *begun, kNow).error().refusal);
}

}  // namespace
}  // namespace valetkey::oidc
