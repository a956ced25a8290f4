// SPDX-License-Identifier: Apache-2.0
#include "oidc/id_token.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "oidc/testing/signer.h"

namespace valetkey::oidc {
namespace {

using testing::good_claims;
using testing::jwks;
using testing::Signer;
constexpr std::int64_t kNow = 1'700'000'000;

Expected expected() {
  return {"https://accounts.example", "valetkey", "of this request", from_epoch_ms(kNow * 1000)};
}

std::string address(const std::expected<Person, TokenFault>& person) {
  return person ? person->email : "refused: " + person.error().detail;
}

class IdToken : public ::testing::Test {
 protected:
  Fault fault_of(const boost::json::object& claims) {
    const auto person = verify_id_token(signer.sign(claims), keys, expected());
    return person ? static_cast<Fault>(99) : person.error().fault;
  }
  Signer signer{"ES256"};
  std::string keys = jwks({signer.jwk()});
};

TEST_F(IdToken, SaysWhoThePersonIs) {
  EXPECT_EQ("ann@example.com",
            address(verify_id_token(signer.sign(good_claims(kNow)), keys, expected())));
  const Signer rsa("RS256", "second");
  const std::string both = jwks({signer.jwk(), rsa.jwk()});
  EXPECT_EQ("ann@example.com",
            address(verify_id_token(rsa.sign(good_claims(kNow)), both, expected())));
}

TEST_F(IdToken, MayLackAKeyIdAndNameSeveralAudiencesWithUsAsTheParty) {
  const Signer nameless("ES256", "");
  auto claims = good_claims(kNow);
  claims["aud"] = {"another", "valetkey"};
  claims["azp"] = "valetkey";
  EXPECT_EQ("ann@example.com",
            address(verify_id_token(nameless.sign(claims), jwks({signer.jwk(), nameless.jwk()}),
                                    expected())));
}

TEST_F(IdToken, IsRefusedWhereAClaimIsAnother) {
  const auto with = [](const char* name, boost::json::value value) {
    auto claims = good_claims(kNow);
    claims[name] = std::move(value);
    return claims;
  };
  EXPECT_EQ(Fault::refused, fault_of(with("iss", "https://accounts.example/")));
  EXPECT_EQ(Fault::refused, fault_of(with("aud", "another")));
  EXPECT_EQ(Fault::refused, fault_of(with("aud", {"valetkey", "another"})));
  EXPECT_EQ(Fault::refused, fault_of(with("azp", "another")));
  EXPECT_EQ(Fault::refused, fault_of(with("nonce", "of another request")));
  EXPECT_EQ(Fault::refused, fault_of(with("exp", kNow - 61)));
  EXPECT_EQ(Fault::refused, fault_of(with("exp", "never")));
  EXPECT_EQ(Fault::refused, fault_of(with("iat", kNow + 61)));
  EXPECT_EQ(Fault::refused, fault_of(with("email", nullptr)));
  EXPECT_EQ(Fault::unverified, fault_of(with("email_verified", false)));
  EXPECT_EQ(Fault::unverified, fault_of(with("email_verified", nullptr)));
}

TEST_F(IdToken, ToleratesAMinuteBetweenTheClocks) {
  auto claims = good_claims(kNow);
  claims["exp"] = kNow - 59;
  claims["iat"] = kNow + 59;
  EXPECT_EQ("ann@example.com", address(verify_id_token(signer.sign(claims), keys, expected())));
}

TEST_F(IdToken, IsRefusedWhereItWasAltered) {
  std::string token = signer.sign(good_claims(kNow));
  const std::size_t dot = token.find('.');
  auto claims = good_claims(kNow);
  claims["email"] = "eve@example.com";
  const std::string forged = token.substr(0, dot + 1) + base64url(boost::json::serialize(claims)) +
                             token.substr(token.rfind('.'));
  EXPECT_FALSE(verify_id_token(forged, keys, expected()));
  EXPECT_FALSE(verify_id_token(token + ".", keys, expected()));
  EXPECT_FALSE(verify_id_token(token.substr(0, token.rfind('.') + 1), keys, expected()));
  EXPECT_FALSE(verify_id_token("", keys, expected()));
}

TEST_F(IdToken, IsRefusedWhereATextIsNoBase64) {
  std::string token = signer.sign(good_claims(kNow));
  const std::string unsigned_part = token.substr(0, token.rfind('.') + 1);
  EXPECT_FALSE(verify_id_token(unsigned_part + "c=lj", keys, expected()));
  for (const char* number : {"c=lj", "", "é"}) {
    auto key = signer.jwk();
    key["x"] = number;
    EXPECT_FALSE(verify_id_token(token, jwks({key}), expected())) << number;
  }
}

TEST_F(IdToken, FixesTheAlgorithmBeforeItVerifies) {
  const std::string claims = base64url(boost::json::serialize(good_claims(kNow)));
  for (const char* header :
       {R"({"alg":"none"})", R"({"alg":"HS256","kid":"first"})", R"({"alg":"ES384"})",
        R"({"kid":"first"})", R"({"alg":"ES256","kid":"first","crit":["x"]})"})
    EXPECT_FALSE(verify_id_token(base64url(header) + "." + claims + ".c2ln", keys, expected()))
        << header;
}

TEST_F(IdToken, NeedsAKeyThatIsPublishedMeantForSignaturesAndStrong) {
  const Signer stranger("ES256", "unknown");
  const auto unknown = verify_id_token(stranger.sign(good_claims(kNow)), keys, expected());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(Fault::unknown_key, unknown.error().fault);
  const Signer impostor("ES256", "first");
  EXPECT_EQ(Fault::refused,
            verify_id_token(impostor.sign(good_claims(kNow)), keys, expected()).error().fault);
  auto for_secrets = signer.jwk();
  for_secrets["use"] = "enc";
  EXPECT_FALSE(verify_id_token(signer.sign(good_claims(kNow)), jwks({for_secrets}), expected()));
  const Signer weak("RS256", "weak", 1024);
  EXPECT_FALSE(verify_id_token(weak.sign(good_claims(kNow)), jwks({weak.jwk()}), expected()));
  EXPECT_FALSE(verify_id_token(signer.sign(good_claims(kNow)), "no document", expected()));
}

}  // namespace
}  // namespace valetkey::oidc
