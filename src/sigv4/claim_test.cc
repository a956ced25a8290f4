// SPDX-License-Identifier: Apache-2.0
// The claims of both forms, piece by piece, and their times.
#include <gtest/gtest.h>

#include "sigv4/testing/signed_request.h"

namespace valetkey::sigv4 {
namespace {

using testing::kNow;
using testing::outcome;
using testing::Owned;
using testing::replace;
using namespace std::chrono_literals;

Refusal refusal_of(const Owned& owned, Timestamp now = kNow) {
  return read_claim(owned.view(), now).error();
}

TEST(HeaderClaim, SaysWhatTheRequestSays) {
  const Owned owned = Owned().sign();
  const auto claim = read_claim(owned.view(), kNow);
  ASSERT_TRUE(claim);
  EXPECT_FALSE(claim->presigned);
  EXPECT_EQ(claim->access_key_id, "ASIAABCDEFGHIJKLMNOP");
  EXPECT_EQ(claim->session_token, "c2Vzc2lvbg");
  EXPECT_EQ(claim->scope.str(), "20261124/us-east-1/s3/aws4_request");
  EXPECT_EQ(claim->amz_date, "20261124T080000Z");
  EXPECT_EQ(claim->signed_at, kNow);
  EXPECT_EQ(claim->payload_hash, kUnsignedPayload);
  EXPECT_EQ(claim->signed_headers,
            (std::vector<std::string>{"host", "x-amz-content-sha256", "x-amz-date",
                                      "x-amz-security-token"}));
}

TEST(HeaderClaim, RefusesClocksThatDifferByMoreThanFifteenMinutes) {
  const Owned owned = Owned().sign();
  EXPECT_EQ(outcome(owned, kNow + 15min), "");
  EXPECT_EQ(outcome(owned, kNow - 15min), "");
  EXPECT_EQ(outcome(owned, kNow + 15min + 1ms), "skewed");
  EXPECT_EQ(outcome(owned, kNow - 15min - 1ms), "skewed");
  EXPECT_EQ(outcome(owned, kNow + 24h), "skewed") << "replayed a day later";
}

TEST(HeaderClaim, RefusesMalformedAuthorization) {
  const std::pair<const char*, const char*> changes[] = {
      {"Credential=", "Credentials="},
      {"Credential=", ""},
      {"Credential=", "Credential==/"},
      {"SignedHeaders=host;", "SignedHeaders=;host;"},
      {"host;", "Host;"},
      {"host;", "host;host;"},
      {"host;x-amz-content-sha256;", "x-amz-content-sha256;host;"},
      {"x-amz-security-token", "x-amz-security-token;"},
      {", Signature=", ", "},
      {", Signature=", " Signature="},
      {"/s3/", "/ec2/"},
      {"/s3/", "/S3/"},
      {"/s3/", "//"},
      {"/s3/", "/s3/s3/"},
      {"aws4_request", "aws4_requests"},
      {"/us-east-1/", "//"},
      {"/20261124/", "/20261123/"},
      {"/20261124/", "/2026112/"},
      {"/20261124/", "/20261124T080000Z/"},
      {"ASIAABCDEFGHIJKLMNOP", ""},
      {"ASIAABCDEFGHIJKLMNOP", "ASIA B"},
      {"Signature=", "Signature=a, Signature="},
      {"Credential=", "Extra=1, Credential="},
      {" Credential=", " ,Credential="},
  };
  for (const auto& [from, to] : changes) {
    Owned owned = Owned().sign();
    replace(owned.header("authorization"), from, to);
    EXPECT_EQ(outcome(owned), "malformed_header") << from << " -> " << to;
  }
  for (const char* value : {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 ="}) {
    Owned owned = Owned().sign();
    owned.header("authorization") = value;
    EXPECT_EQ(outcome(owned), "malformed_header") << value;
  }
}

TEST(HeaderClaim, TakesParametersWithoutSpacesAndInAnyOrder) {
  Owned owned = Owned().sign();
  std::string& value = owned.header("authorization");
  replace(value, ", Signed", ",Signed");
  replace(value, ", Signature", ",   Signature");
  EXPECT_EQ(outcome(owned), "");
  const std::size_t comma = value.rfind(',');
  const std::string last = value.substr(value.find('S', comma));
  value = std::string(kAlgorithm) + " " + last + ", " + value.substr(17, comma - 17);
  EXPECT_EQ(outcome(owned), "");
}

TEST(HeaderClaim, RefusesMissingOrUnknownPayloadHash) {
  Owned owned = Owned().sign();
  const std::string upper(64, 'A');
  for (const std::string& value :
       {std::string(), std::string("unsigned-payload"), std::string("e3b0"), std::string("SHA256"),
        std::string("STREAMING-"), std::string("STREAMING-AWS4-HMAC-SHA256"),
        std::string("STREAMING-UNSIGNED-PAYLOAD"), upper + "A", upper.substr(1) + "g"}) {
    owned.header("x-amz-content-sha256") = value;
    EXPECT_EQ(outcome(owned), "payload_hash_form") << value;
  }
  owned.remove("x-amz-content-sha256");
  EXPECT_EQ(outcome(owned), "no_payload_hash");
}

TEST(PresignedClaim, RefusesUnknownPayloadHash) {
  Owned owned = Owned().presign();
  replace(owned.query, "X-Amz-Expires", "X-Amz-Content-Sha256=junk&X-Amz-Expires");
  EXPECT_EQ(outcome(owned), "payload_hash_form");
}

TEST(HeaderClaim, KeepsTheHashOfAStreamingBodyForTheServiceToJudge) {
  Owned owned;
  ToSign streaming = owned.to_sign();
  streaming.payload_hash = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
  EXPECT_EQ(outcome(owned.sign(kNow, &streaming)), "");
  EXPECT_EQ(read_claim(owned.view(), kNow)->payload_hash, streaming.payload_hash);
}

// Signs with a Date header in place of x-amz-date, as old signers do.
Owned dated(const std::string& date) {
  Owned owned;
  owned.headers.emplace_back("Date", date);
  owned.headers.emplace_back("x-amz-content-sha256", kUnsignedPayload);
  const CredentialScope scope{"20261124", "us-east-1", "s3"};
  std::vector<SignedHeader> headers;
  for (const auto& [name, value] : owned.headers) headers.push_back({name, value});
  const std::string canonical =
      canonical_request("GET", owned.path, PathRule::s3, "", "", headers, kUnsignedPayload);
  const Secret key = signing_key(testing::credentials().secret_access_key, scope);
  owned.header("Authorization") =
      "AWS4-HMAC-SHA256 Credential=ASIAABCDEFGHIJKLMNOP/" + scope.str() +
      ", SignedHeaders=date;host;x-amz-content-sha256, Signature=" +
      signature(key, string_to_sign("20261124T080000Z", scope, canonical));
  return owned;
}

TEST(HeaderClaim, TakesDateWhereThereIsNoAmzDate) {
  EXPECT_EQ(outcome(dated("Tue, 24 Nov 2026 08:00:00 GMT")), "");
  EXPECT_EQ(outcome(dated("20261124T080000Z")), "");
  EXPECT_EQ(outcome(dated("yesterday")), "malformed_header");
  Owned neither = dated("20261124T080000Z");
  neither.remove("date");
  EXPECT_EQ(outcome(neither), "malformed_header");
}

TEST(HeaderClaim, RefusesMalformedAmzDateEvenBesideAGoodDate) {
  Owned owned = Owned().sign();
  owned.headers.emplace_back("Date", "Tue, 24 Nov 2026 08:00:00 GMT");
  for (const char* value : {"", "20261124T080000", "20261324T080000Z", "2026-11-24T08:00:00Z"}) {
    owned.header("x-amz-date") = value;
    EXPECT_EQ(refusal_of(owned), Refusal::malformed_header) << value;
  }
}

TEST(PresignedClaim, SaysWhatTheUrlSays) {
  const Owned owned = Owned().presign(seconds(604800));
  const auto claim = read_claim(owned.view(), kNow);
  ASSERT_TRUE(claim);
  EXPECT_TRUE(claim->presigned);
  EXPECT_EQ(claim->expires, kMaxPresign);
  EXPECT_EQ(claim->session_token, "c2Vzc2lvbg");
  EXPECT_EQ(claim->payload_hash, kUnsignedPayload);
  EXPECT_FALSE(claim->canonical_query.contains("X-Amz-Signature"));
}

TEST(PresignedClaim, LivesFromTheSkewBeforeItsDateToItsExpiry) {
  const Owned owned = Owned().presign(seconds(900));
  EXPECT_EQ(outcome(owned, kNow + 900s - 1ms), "");
  EXPECT_EQ(outcome(owned, kNow + 900s), "expired");
  EXPECT_EQ(outcome(owned, kNow - 15min), "");
  EXPECT_EQ(outcome(owned, kNow - 15min - 1ms), "not_yet_valid");
}

TEST(PresignedClaim, RefusesMalformedParameters) {
  const std::pair<const char*, const char*> changes[] = {
      {"X-Amz-Expires=900", "X-Amz-Expires=0"},
      {"X-Amz-Expires=900", "X-Amz-Expires=-1"},
      {"X-Amz-Expires=900", "X-Amz-Expires=604801"},
      {"X-Amz-Expires=900", "X-Amz-Expires=9e2"},
      {"X-Amz-Expires=900", "X-Amz-Expires="},
      {"X-Amz-Expires=900", "X-Amz-Expires=%20900"},
      {"X-Amz-Expires=900", "X-Amz-Expires=99999999999999999999"},
      {"X-Amz-Expires=900&", ""},
      {"AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"},
      {"X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""},
      {"%2Fs3%2F", "%2Fsts%2F"},
      {"20261124%2F", "20261123%2F"},
      {"us-east-1", "us%0Aeast"},
      {"20261124T080000Z", "20261124"},
      {"X-Amz-Date=", "X-Amz-Dated="},
      {"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=Host"},
      {"X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="},
      {"X-Amz-Signature=", "X-Amz-Signatur="},
      {"X-Amz-Credential=", "X-Amz-Credentials="},
  };
  for (const auto& [from, to] : changes) {
    Owned owned = Owned().presign();
    replace(owned.query, from, to);
    EXPECT_EQ(outcome(owned), "malformed_query") << from << " -> " << to;
  }
}

TEST(PresignedClaim, TakesThePayloadHashFromQueryOrSignedHeader) {
  Owned in_query;
  in_query.query = "X-Amz-Content-Sha256=UNSIGNED-PAYLOAD";
  EXPECT_EQ(outcome(in_query.presign()), "");
  Owned both = in_query;
  both.headers.emplace_back("x-amz-content-sha256", kEmptySha256);
  EXPECT_EQ(outcome(both), "malformed_query");
  Owned in_header{
      .headers = {{"Host", "h"}, {"x-amz-content-sha256", std::string(kUnsignedPayload)}}};
  EXPECT_EQ(outcome(in_header.presign()), "");
}

TEST(PresignedClaim, TakesASessionTokenFromASignedHeader) {
  Owned owned{.headers = {{"Host", "h"}, {"x-amz-security-token", "from-header"}}};
  owned.query = presign_query(owned.to_sign(),
                              {"ASIAABCDEFGHIJKLMNOP", Secret("secret-of-the-test"), std::nullopt},
                              kNow, seconds(60));
  EXPECT_EQ(outcome(owned), "");
  EXPECT_EQ(read_claim(owned.view(), kNow)->session_token, "from-header");
}

}  // namespace
}  // namespace valetkey::sigv4
