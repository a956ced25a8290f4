// SPDX-License-Identifier: Apache-2.0
#include "storage/data_key.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::storage {
namespace {

ObjectIdentity fixed_object() {
  static const std::string md5(16, '\xAA');
  ObjectIdentity object{{}, "bucket", "v1/ä", 5, md5};
  std::iota(object.id.bytes.begin(), object.id.bytes.end(), std::uint8_t{0});
  return object;
}

TEST(DataKey, IsBoundToTheBytesOfTheFormat) {
  EXPECT_EQ(hex(wrapping_aad(7, fixed_object())),
            "000000040000000700000010000102030405060708090a0b0c0d0e0f000000066275636b65740000000576"
            "312fc3a400000008000000000000000500000010aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}

TEST(DataKey, IsWrappedAsTheFormatSays) {
  // Made by an independent implementation: nonce 12 x 03, key 32 x 22, data key 32 x 11.
  const Keyring keyring = Keyring::make(Timestamp());
  const Key* active = active_object_key(keyring, Timestamp()).value();
  Key key = *active;
  key.seal = Secret(std::string(32, '\x22'));
  key.id = 7;
  const auto wrapped = wrap_data_key(key, Secret(std::string(32, '\x11')), fixed_object());
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->bytes.size(), kWrappedKeyBytes);
  const auto golden = unhex(
      "0303030303030303030303034af0a5c3b208bebe4f5f8d0b45baa6892927b3f4f7a329d5c57ac5d63c86c1d012d3"
      "56ff43f24c1f6c9043b9b3317add");
  const auto opened = aes_gcm_open(key.seal.reveal(), golden->substr(0, 12),
                                   wrapping_aad(7, fixed_object()), golden->substr(12));
  EXPECT_EQ(opened, std::string(32, '\x11'));
}

TEST(DataKey, OpensForItsObjectOnly) {
  const Keyring keyring = Keyring::make(Timestamp());
  const Key* key = active_object_key(keyring, Timestamp()).value();
  const Secret data_key = make_data_key();
  const auto wrapped = wrap_data_key(*key, data_key, fixed_object());
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(unwrap_data_key(keyring, *wrapped, fixed_object()).value(), data_key);

  const std::string other_md5(16, '\xAB');
  std::vector<ObjectIdentity> others(5, fixed_object());
  others[0].id = ObjectId::make();
  others[1].bucket = "other";
  others[2].key = "v1/b";
  others[3].size = 6;
  others[4].md5 = other_md5;
  for (const auto& other : others)
    EXPECT_EQ(unwrap_data_key(keyring, *wrapped, other).error().code, ErrorCode::corrupt);
  // The lengths keep fields apart.
  ObjectIdentity shifted = fixed_object();
  shifted.bucket = "bucketv";
  shifted.key = "1/ä";
  EXPECT_FALSE(unwrap_data_key(keyring, *wrapped, shifted));
}

TEST(DataKey, FailsToOpenWithAnyBitFlipped) {
  const Keyring keyring = Keyring::make(Timestamp());
  const Key* key = active_object_key(keyring, Timestamp()).value();
  const auto wrapped = wrap_data_key(*key, make_data_key(), fixed_object());
  for (std::size_t bit = 0; bit < kWrappedKeyBytes * 8; ++bit) {
    WrappedKey flipped = *wrapped;
    flipped.bytes[bit / 8] = static_cast<char>(flipped.bytes[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(unwrap_data_key(keyring, flipped, fixed_object())) << bit;
  }
  EXPECT_FALSE(unwrap_data_key(keyring, {wrapped->key_id, ""}, fixed_object()));
}

TEST(DataKey, SaysWhichKeyTheKeyringLacks) {
  const Keyring keyring = Keyring::make(Timestamp());
  const auto opened = unwrap_data_key(keyring, {99, std::string(60, 'x')}, fixed_object());
  EXPECT_EQ(opened.error().code, ErrorCode::denied);
  EXPECT_NE(opened.error().detail.find("object key 99"), std::string::npos);
}

}  // namespace
}  // namespace valetkey::storage
