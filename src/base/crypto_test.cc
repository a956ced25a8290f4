// SPDX-License-Identifier: Apache-2.0
// Published vectors: FIPS 180-4, RFC 4231, RFC 5869, RFC 1321, the GCM specification (McGrew,
// Viega).
#include "base/crypto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/encoding.h"

namespace valetkey {
namespace {

std::string bytes_of(std::string_view hex_text) { return *unhex(hex_text); }
template <std::size_t N>
std::string hex_of(const std::array<std::uint8_t, N>& digest) {
  return hex({reinterpret_cast<const char*>(digest.data()), N});
}

TEST(Sha256, MatchesFips180) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsTheSameWithoutOpenSslsStart) {
  for (const std::string& text : {std::string(), std::string("abc"), random_bytes(1000)})
    EXPECT_EQ(sha256_hex_alone(text), sha256_hex(text));
}

TEST(Sha256, IsTheSameInPieces) {
  const std::string text = random_bytes(1000);
  Sha256 whole;
  for (std::size_t at = 0; at < text.size(); at += 37)
    whole.update(std::string_view(text).substr(at, 37));
  EXPECT_EQ(whole.finish(), sha256(text));
}

TEST(Hmac, MatchesRfc4231) {
  EXPECT_EQ(hex_of(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_of(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_of(hmac_sha256(std::string(131, '\xaa'),
                               "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, DoesNotRememberTheFormerKey) {
  const auto empty_key = hmac_sha256("", "");
  EXPECT_EQ(hex_of(empty_key), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
  hmac_sha256("another key", "text");
  EXPECT_EQ(hmac_sha256("", ""), empty_key);
}

TEST(Hkdf, MatchesRfc5869Case3) {
  EXPECT_EQ(hex(hkdf_sha256(std::string(22, '\x0b'), "", 42).reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
            "9d201395faa4b61a96c8");
}

// No published vector has an empty salt and an info; this value is from `openssl kdf`.
TEST(Hkdf, SeparatesPurposesByInfo) {
  const Secret one = hkdf_sha256("key", "valetkey/1/session-seal", 32);
  EXPECT_EQ(hex(one.reveal()), "599aaf93cad1307c0f6f98de2895f2cf26bc61cf728b16086b391138157056e4");
  EXPECT_EQ(one, hkdf_sha256("key", "valetkey/1/session-seal", 32));
  EXPECT_FALSE(one == hkdf_sha256("key", "valetkey/1/session-secret", 32));
  EXPECT_EQ(hkdf_sha256("key", "", 8160).size(), 8160U);
  EXPECT_THROW(hkdf_sha256("key", "", 8161), std::invalid_argument);
}

TEST(Md5, MatchesRfc1321) {
  const auto md5 = [](std::string_view text) {
    Md5 digest;
    digest.update(text);
    return hex_of(digest.finish());
  };
  EXPECT_EQ(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
  EXPECT_EQ(md5("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
            "57edf4a22be3c955ac49da2e2107b67a");
}

TEST(Crc32, MatchesTheCheckValueAndContinues) {
  EXPECT_EQ(crc32(0, "123456789"), 0xcbf43926U);
  EXPECT_EQ(crc32(crc32(0, "12345"), "6789"), 0xcbf43926U);
  EXPECT_EQ(crc32(crc32(0, "12345"), {}), crc32(0, "12345"));
}

struct GcmVector {
  const char *key, *nonce, *aad, *plain, *sealed;
};

// Test cases 13 to 16: 256-bit keys.
const GcmVector kGcm[] = {{"0000000000000000000000000000000000000000000000000000000000000000",
                           "000000000000000000000000", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
                          {"0000000000000000000000000000000000000000000000000000000000000000",
                           "000000000000000000000000", "", "00000000000000000000000000000000",
                           "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
                          {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                           "cafebabefacedbaddecaf888", "",
                           "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9"
                           "5956809532fcf0e2449a6b5"
                           "25b16aedf5aa0de657ba637b391aafd255",
                           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e4"
                           "8590dbb3da7b08b1056828838"
                           "c5f61e6393ba7a0abcc9f662898015adb094dac5d93471bdec1a502270e3cc6c"},
                          {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                           "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
                           "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c9"
                           "5956809532fcf0e2449a6b5"
                           "25b16aedf5aa0de657ba637b39",
                           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e4"
                           "8590dbb3da7b08b1056828838"
                           "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"}};

TEST(AesGcm, MatchesThePublishedVectors) {
  for (const GcmVector& v : kGcm) {
    const std::string key = bytes_of(v.key);
    const std::string nonce = bytes_of(v.nonce);
    const std::string aad = bytes_of(v.aad);
    const std::string plain = bytes_of(v.plain);
    const std::string sealed = aes_gcm_seal(key, nonce, aad, plain);
    EXPECT_EQ(hex(sealed), v.sealed);
    EXPECT_EQ(aes_gcm_open(key, nonce, aad, sealed).value(), plain);
    AesGcm kept(key);
    std::string again(sealed.size(), '\0');
    kept.seal(nonce, aad, plain, again.data());
    EXPECT_EQ(again, sealed);
    std::string opened(plain.size() + 1, '\0');
    ASSERT_TRUE(kept.open(nonce, aad, sealed, opened.data()));
    EXPECT_EQ(opened.substr(0, plain.size()), plain);
  }
}

TEST(AesGcm, RefusesABitFlippedAnywhereAndWipesTheOutput) {
  const std::string key = random_bytes(kAesKeyBytes);
  const std::string nonce = random_bytes(kAesNonceBytes);
  const std::string plain = "some forty bytes of text to be sealed up";
  const std::string sealed = aes_gcm_seal(key, nonce, "aad", plain);
  std::string out(plain.size(), 'x');
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string altered = sealed;
    altered[bit / 8] = static_cast<char>(altered[bit / 8] ^ (1 << bit % 8));
    out.assign(plain.size(), 'x');
    EXPECT_FALSE(aes_gcm_open(key, nonce, "aad", altered, out.data()));
    EXPECT_EQ(out, std::string(plain.size(), '\0'));
  }
  EXPECT_FALSE(aes_gcm_open(key, nonce, "AAD", sealed));
  EXPECT_FALSE(aes_gcm_open(random_bytes(kAesKeyBytes), nonce, "aad", sealed));
  EXPECT_FALSE(aes_gcm_open(key, nonce, "aad", std::string_view(sealed).substr(0, 15)));
  EXPECT_EQ(aes_gcm_open(key, nonce, "aad", sealed).value(), plain);
}

TEST(AesGcm, KeepsItsKeyOverManyChunksInBothDirections) {
  AesGcm gcm(random_bytes(kAesKeyBytes));
  const std::string chunk = random_bytes(65536);
  std::string sealed(chunk.size() + kAesTagBytes, '\0');
  std::string opened(chunk.size(), '\0');
  for (char i = 0; i < 5; ++i) {
    const std::string nonce = std::string(11, '\0') + i;
    gcm.seal(nonce, {}, chunk, sealed.data());
    ASSERT_TRUE(gcm.open(nonce, {}, sealed, opened.data()));
    EXPECT_EQ(opened, chunk);
    EXPECT_FALSE(
        gcm.open(std::string(11, '\0') + static_cast<char>(i + 1), {}, sealed, opened.data()));
  }
}

TEST(AesGcm, ThrowsOnKeysAndNoncesOfTheWrongSize) {
  EXPECT_THROW(AesGcm("short"), std::invalid_argument);
  EXPECT_THROW(aes_gcm_seal("short", std::string(12, '\0'), "", ""), std::invalid_argument);
  EXPECT_THROW(aes_gcm_seal(std::string(32, '\0'), "short", "", ""), std::invalid_argument);
}

TEST(Crypto, GivesTheSameAnswersOnManyThreads) {
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_EQ(sha256_hex("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        EXPECT_EQ(hmac_sha256("Jefe", "what")[0], hmac_sha256("Jefe", "what")[0]);
        const std::string key(32, 'k');
        const std::string nonce(12, 'n');
        EXPECT_EQ(aes_gcm_open(key, nonce, "a", aes_gcm_seal(key, nonce, "a", "text")).value(),
                  "text");
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(Random, GivesBase62WithoutBias) {
  std::array<int, 256> counts{};
  for (const char c : random_base62(62'000)) ++counts[static_cast<std::uint8_t>(c)];
  for (const char c : kBase62) {
    // 1000 expected, deviation 32: seven of them either way.
    EXPECT_GT(counts[static_cast<std::uint8_t>(c)], 776) << c;
    EXPECT_LT(counts[static_cast<std::uint8_t>(c)], 1224) << c;
  }
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random_base62(12));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(Random, PooledBytesNeverComeTwice) {
  std::set<std::string> seen;
  const auto take = [] {
    std::vector<std::string> taken;
    taken.reserve(500);
    for (int i = 0; i < 500; ++i) taken.push_back(pooled_random_bytes(i % 2 == 0 ? 32 : 10));
    return taken;
  };
  auto other = std::async(std::launch::async, take);
  for (const std::string& bytes : take()) EXPECT_TRUE(seen.insert(bytes).second);
  for (const std::string& bytes : other.get()) EXPECT_TRUE(seen.insert(bytes).second);
  EXPECT_EQ(pooled_random_bytes(512).size(), 512U);
  EXPECT_THROW(static_cast<void>(pooled_random_bytes(513)), std::invalid_argument);
}

}  // namespace
}  // namespace valetkey
