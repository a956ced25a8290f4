// SPDX-License-Identifier: Apache-2.0
// Minting and opening of session tokens: the golden one, then every way in which one can be wrong.
#include <gtest/gtest.h>

#include <random>

#include "access/internal/claims.h"
#include "access/internal/session_token.h"
#include "base/encoding.h"
#include "base/testing/golden_keyring.h"

namespace valetkey::access {
namespace {

using namespace std::chrono_literals;

const Timestamp kNow = parse_iso8601("2026-01-01T00:00:00Z").value();

Claims golden_claims() {
  return {AccessKeyId::parse("ASIAABCDEFGHIJ234567").value(),
          AccountId::parse("596780373").value(),
          UserId::parse("usr_0123456789ABCDEF").value(),
          TokenId::parse("tok_GHIJKLMNOPabcdef").value(),
          kNow,
          kNow + 1h};
}
std::string golden_salt() {
  std::string salt(kSaltBytes, '\0');
  for (std::size_t i = 0; i < salt.size(); ++i) salt[i] = static_cast<char>(64 + i);
  return salt;
}
constexpr std::string_view kGoldenClaims =
    "0100443214c74275be77df303132333435363738394142434445464748494a4b4c4d4e4f50616263646566"
    "0000019b76daa8000000019b7711968009353936373830333733";
// Made by an independent implementation from docs/formats.md.
constexpr std::string_view kGoldenToken =
    "AQAAAAdAQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eXzwd_KaRyuLaYKHWxLxrWh7R1KQ6gACHZjiDqGmKpvS6"
    "2X5K2vkimYZWRwzYQ7bN3LbKjBh8Uw3PmEpL4I0ElJPuabj-WoBTlt44f6G8Oq5FF81o_dg";
constexpr std::string_view kGoldenKeyId = "ASIAABCDEFGHIJ234567";

Result<Scope, RefusedSession> open_golden(std::string_view token, Timestamp now = kNow) {
  static const Keyring keyring = golden_keyring();
  return open_session(keyring, token, kGoldenKeyId, now);
}
void expect_malformed(const Result<Scope, RefusedSession>& opened, const std::string& what) {
  ASSERT_FALSE(opened) << what;
  EXPECT_EQ(opened.error(), SessionRefusal::malformed) << what;
}

control::TokenGrant grant() {
  return {golden_claims().token, golden_claims().user, golden_claims().account,
          control::Role::member, {.export_ = true},    std::nullopt};
}

TEST(SessionToken, IsTheGoldenOne) {
  const Keyring keyring = golden_keyring();
  const SealedSession sealed =
      seal_session(keyring.keys()[0], golden_salt(), encode_claims(golden_claims()));
  EXPECT_EQ(hex(encode_claims(golden_claims())), kGoldenClaims);
  EXPECT_EQ(sealed.session_token.reveal(), kGoldenToken);
  EXPECT_EQ(sealed.secret_access_key.reveal(), "d-jBQUwHfHDcYXWXjpzTf3VC8LGp4Hav1k_sy5V0");
}

TEST(SessionToken, CarriesWhatItsTokenIsLimitedTo) {
  Claims claims = golden_claims();
  claims.narrowing =
      control::Narrowing::make({.types = {"decisions"}, .sources = {"10.0.0.0/8"}}).value();
  const std::string encoded = encode_claims(claims);
  EXPECT_EQ(hex(encoded), "02" + std::string(kGoldenClaims.substr(2)) +
                              hex("prefix type=decisions/\nsource 10.0.0.0/8\n"));
  EXPECT_EQ(decode_claims(encoded)->narrowing, claims.narrowing);
  // Neither with the byte of a whole export before limits, nor without them behind its own.
  EXPECT_FALSE(decode_claims("\x01" + encoded.substr(1)));
  EXPECT_FALSE(decode_claims("\x02" + encode_claims(golden_claims()).substr(1)));
  EXPECT_FALSE(decode_claims(encoded + "prefix type=events/\n"));
  EXPECT_FALSE(decode_claims(encoded.substr(0, encoded.size() - 1)));
}

TEST(SessionToken, HoldsTheLongestLimits) {
  const std::string longest(control::Narrowing::kMaxBytes - 9, 'a');
  control::TokenGrant limited = grant();
  limited.narrowing = control::Narrowing::make({.prefixes = {longest + "/"}}).value();
  const Keyring keyring = golden_keyring();
  const SealedSession sealed = seal_session(
      keyring.keys()[0], golden_salt(),
      encode_claims({golden_claims().access_key_id, AccountId::parse(std::string(20, '9')).value(),
                     limited.user, limited.token, kNow, kNow + 1h, limited.narrowing}));
  EXPECT_LE(sealed.session_token.reveal().size(), kMaxSessionTokenBytes);
}

TEST(SessionToken, OpensToItsClaimsAndTheSameSecret) {
  const auto scope = open_golden(kGoldenToken);
  ASSERT_TRUE(scope);
  EXPECT_EQ(scope->account().str(), "596780373");
  EXPECT_EQ(scope->prefix(), "v1/account_id=596780373/");
  EXPECT_EQ(scope->claims().user, golden_claims().user);
  EXPECT_EQ(scope->claims().token, golden_claims().token);
  EXPECT_EQ(scope->claims().issued, kNow);
  EXPECT_EQ(scope->claims().expires, kNow + 1h);
  EXPECT_EQ(scope->secret_access_key().reveal(), "d-jBQUwHfHDcYXWXjpzTf3VC8LGp4Hav1k_sy5V0");
}

TEST(SessionToken, IsRefusedWithABitFlippedAtAnyPosition) {
  const std::string bytes = unbase64url(kGoldenToken).value();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    expect_malformed(open_golden(base64url(flipped)), "bit " + std::to_string(bit));
  }
}

TEST(SessionToken, IsRefusedWithACharacterAlteredAtAnyPosition) {
  for (std::size_t i = 0; i < kGoldenToken.size(); ++i)
    for (const char c : std::string("A_=+/ \n.\xff")) {
      std::string altered(kGoldenToken);
      if (altered[i] == c) continue;
      altered[i] = c;
      expect_malformed(open_golden(altered), "character " + std::to_string(i));
    }
}

TEST(SessionToken, IsRefusedWhenCutOrExtended) {
  for (std::size_t length = 0; length < kGoldenToken.size(); ++length)
    expect_malformed(open_golden(kGoldenToken.substr(0, length)), std::to_string(length));
  for (const char* more : {"A", "AA", "AAAA", "=", "==", "\n", " "})
    expect_malformed(open_golden(std::string(kGoldenToken) + more), more);
  expect_malformed(open_golden(std::string(kMaxSessionTokenBytes + 1, 'A')), "too long");
}

TEST(SessionToken, IsRefusedInAnotherSpellingOfTheSameBytes) {
  std::string padded(kGoldenToken);
  padded += "=";
  expect_malformed(open_golden(padded), "padded");
  std::string trailing_bits(kGoldenToken);  // 122 bytes: the last character has two spare bits
  ASSERT_EQ(trailing_bits.back(), 'g');
  trailing_bits.back() = 'h';
  expect_malformed(open_golden(trailing_bits), "trailing bits");
}

TEST(SessionToken, IsOfOneAccessKeyIdOnly) {
  const Keyring keyring = golden_keyring();
  for (const char* other :
       {"ASIAABCDEFGHIJ234566", "", "asiaabcdefghij234567", "ASIAABCDEFGHIJ234567 "})
    expect_malformed(open_session(keyring, kGoldenToken, other, kNow), other);
}

TEST(SessionToken, ExpiresAtExactlyItsInstant) {
  EXPECT_TRUE(open_golden(kGoldenToken, kNow + 1h - 1ms));
  const auto expired = open_golden(kGoldenToken, kNow + 1h);
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error(), SessionRefusal::expired);
  ASSERT_TRUE(expired.error().claims) << "the log names whose session it was";
  EXPECT_EQ(expired.error().claims->token, golden_claims().token);
}

TEST(SessionToken, FollowsTheStateOfItsKey) {
  const Keyring old = golden_keyring();
  const Keyring rotated = old.with_new_key(KeyPurpose::session, kNow, kNow + 10min);
  const auto open_with = [](const Keyring& keyring, std::string_view token, Timestamp at) {
    return open_session(keyring, token, kGoldenKeyId, at);
  };
  EXPECT_TRUE(open_with(rotated, kGoldenToken, kNow)) << "active";
  EXPECT_TRUE(open_with(rotated, kGoldenToken, kNow + 20min)) << "verify-only";
  const Key& young = rotated.keys()[1];
  const std::string newer(
      seal_session(young, golden_salt(), encode_claims(golden_claims())).session_token.reveal());
  expect_malformed(open_with(rotated, newer, kNow), "pending");
  EXPECT_TRUE(open_with(rotated, newer, kNow + 10min)) << "active by now";
  const auto retired = rotated.with_retired(KeyPurpose::session, 7, kNow + 20min);
  ASSERT_TRUE(retired);
  expect_malformed(open_with(*retired, kGoldenToken, kNow + 21min), "retired");
  expect_malformed(open_with(old, newer, kNow + 10min), "unknown");
  expect_malformed(open_with(Keyring::make(kNow), kGoldenToken, kNow), "of another installation");
}

TEST(SessionToken, IsNotOpenedByAnObjectKeyOfTheSameId) {
  Key object = golden_keyring().keys()[0];
  object.purpose = KeyPurpose::object;
  derive_subkeys(object);
  const auto sealed = seal_session(object, golden_salt(), encode_claims(golden_claims()));
  expect_malformed(open_golden(sealed.session_token.reveal()), "object key");
}

TEST(Claims, ComeBackAsTheyWere) {
  for (const char* account : {"1", "0", "007", "99999999999999999999"}) {
    Claims claims = golden_claims();
    claims.account = AccountId::parse(account).value();
    claims.access_key_id = make_access_key_id();
    const auto decoded = decode_claims(encode_claims(claims));
    ASSERT_TRUE(decoded) << account;
    EXPECT_EQ(decoded->account, claims.account);
    EXPECT_EQ(decoded->access_key_id, claims.access_key_id);
  }
}

TEST(Claims, AreRefusedCutExtendedOrOutOfRange) {
  const std::string good = encode_claims(golden_claims());
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(decode_claims(good.substr(0, length))) << length;
  EXPECT_FALSE(decode_claims(good + "1"));
  const auto with = [&](std::size_t at, std::string_view bytes) {
    std::string altered = good;
    return decode_claims(altered.replace(at, bytes.size(), bytes));
  };
  EXPECT_FALSE(with(0, std::string_view("\0", 1))) << "scope";
  EXPECT_FALSE(with(0, "\2")) << "scope";
  EXPECT_FALSE(with(11, "-")) << "user";
  EXPECT_FALSE(with(27, "_")) << "token";
  EXPECT_FALSE(with(43, "\x7f")) << "issued beyond the year 9999";
  EXPECT_FALSE(with(51, good.substr(43, 8))) << "expires when issued";
  EXPECT_FALSE(with(59, std::string_view("\0", 1))) << "account of no digits";
  EXPECT_FALSE(with(60, "a")) << "account";
}

TEST(SealedIssuer, IssuesCredentialsThatOpen) {
  const FixedKeySource keys(golden_keyring());
  SealedIssuer issuer(keys);
  const auto first = issuer.issue(grant(), 1h, kNow);
  const auto second = issuer.issue(grant(), 1h, kNow);
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->access_key_id, second->access_key_id);
  EXPECT_FALSE(first->session_token == second->session_token);
  EXPECT_EQ(first->secret_access_key.size(), 40);
  EXPECT_EQ(first->expires, kNow + 1h);
  const auto scope =
      open_session(*keys.get(), first->session_token.reveal(), first->access_key_id, kNow);
  ASSERT_TRUE(scope);
  EXPECT_TRUE(scope->secret_access_key() == first->secret_access_key);
  EXPECT_FALSE(
      open_session(*keys.get(), first->session_token.reveal(), second->access_key_id, kNow));
}

TEST(SealedIssuer, NeverOutlivesTheToken) {
  const FixedKeySource keys(golden_keyring());
  SealedIssuer issuer(keys);
  auto short_lived = grant();
  short_lived.expires = kNow + 5min;
  EXPECT_EQ(issuer.issue(short_lived, 1h, kNow)->expires, kNow + 5min);
  short_lived.expires = kNow + 2h;
  EXPECT_EQ(issuer.issue(short_lived, 1h, kNow)->expires, kNow + 1h);
  short_lived.expires = kNow;
  EXPECT_EQ(issuer.issue(short_lived, 1h, kNow).error().code, ErrorCode::denied);
}

TEST(SealedIssuer, RefusesAGrantWithoutTheScopeAndAnImpossibleDuration) {
  const FixedKeySource keys(golden_keyring());
  SealedIssuer issuer(keys);
  auto only_tokens = grant();
  only_tokens.scopes = {.tokens = true};
  EXPECT_EQ(issuer.issue(only_tokens, 1h, kNow).error().code, ErrorCode::denied);
  for (const milliseconds duration : {milliseconds(0), milliseconds(-1), kLongestSession + 1ms})
    EXPECT_EQ(issuer.issue(grant(), duration, kNow).error().code, ErrorCode::invalid);
  EXPECT_TRUE(issuer.issue(grant(), kLongestSession, kNow));
}

TEST(SealedIssuer, IsUnavailableWithoutAnActiveKey) {
  const FixedKeySource keys(golden_keyring());
  SealedIssuer issuer(keys);
  EXPECT_EQ(issuer.issue(grant(), 1h, kNow - 1ms).error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace valetkey::access
