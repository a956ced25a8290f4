// SPDX-License-Identifier: Apache-2.0
#include "s3/continuation_token.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace valetkey::s3 {
namespace {

const Timestamp kNow = from_epoch_ms(1'600'000'000'000);
constexpr ListingIdentity kMine{"12", "v1/account_id=12/", "/"};
const ListingPosition kPosition{77, "v1/account_id=12/type=events/"};

std::string token_of(const Keyring& keyring) {
  return *make_continuation_token(keyring, kMine, kPosition, kNow);
}

TEST(ContinuationToken, ComesBackToWhoMadeIt) {
  const Keyring keyring = Keyring::make(kNow);
  const auto position = read_continuation_token(keyring, kMine, token_of(keyring), kNow);
  ASSERT_TRUE(position);
  EXPECT_EQ(*position, kPosition);
}

TEST(ContinuationToken, IsRefusedForAnyOtherListing) {
  const Keyring keyring = Keyring::make(kNow);
  const std::string token = token_of(keyring);
  for (const ListingIdentity& other : {ListingIdentity{"123", kMine.prefix, "/"},
                                       ListingIdentity{"12", "v1/account_id=12/type", "/"},
                                       ListingIdentity{"12", kMine.prefix, ""},
                                       // the same bytes, cut elsewhere
                                       ListingIdentity{"12v", "1/account_id=12/", "/"},
                                       ListingIdentity{"12", "v1/account_id=12", "//"}})
    EXPECT_FALSE(read_continuation_token(keyring, other, token, kNow));
}

TEST(ContinuationToken, IsRefusedWithAnyBitFlipped) {
  const Keyring keyring = Keyring::make(kNow);
  const std::string bytes = *unbase64url(token_of(keyring));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(read_continuation_token(keyring, kMine, base64url(flipped), kNow)) << bit;
  }
}

TEST(ContinuationToken, IsRefusedCutOrPadded) {
  const Keyring keyring = Keyring::make(kNow);
  const std::string token = token_of(keyring);
  for (std::size_t n = 0; n < token.size(); ++n)
    EXPECT_FALSE(read_continuation_token(keyring, kMine, token.substr(0, n), kNow)) << n;
  for (const std::string& text : {token + "A", token + "=", token + " ", std::string(5000, 'A')})
    EXPECT_FALSE(read_continuation_token(keyring, kMine, text, kNow));
}

TEST(ContinuationToken, OutlivesRotationButNotRetirement) {
  const Keyring first = Keyring::make(kNow);
  const std::string token = token_of(first);
  const Key* old = first.active(KeyPurpose::object, kNow);
  ASSERT_NE(old, nullptr);
  const Keyring second = first.with_new_key(KeyPurpose::object, kNow, kNow);
  const Timestamp later = kNow + seconds(1);
  EXPECT_TRUE(read_continuation_token(second, kMine, token, later));
  const auto third = second.with_retired(KeyPurpose::object, old->id, later);
  ASSERT_TRUE(third);
  EXPECT_FALSE(read_continuation_token(*third, kMine, token, later + seconds(1)));
  EXPECT_FALSE(read_continuation_token(Keyring::make(kNow), kMine, token, kNow));
}

}  // namespace
}  // namespace valetkey::s3
