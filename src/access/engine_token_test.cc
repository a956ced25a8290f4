// SPDX-License-Identifier: Apache-2.0
#include "access/engine_token.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/testing/golden_keyring.h"

namespace valetkey::access {
namespace {

using namespace std::chrono_literals;

const Timestamp kNow = parse_iso8601("2026-01-01T01:00:00Z").value();

EngineToken token() { return {sha256("vkpat_…"), kNow, kNow + 1h}; }
std::string sealed() {
  return std::string(seal_engine_token(golden_keyring(), token(), kNow).value().reveal());
}

TEST(EngineToken, OpensToWhatWasSealedUntilItExpires) {
  const std::string text = sealed();
  EXPECT_TRUE(is_engine_token(text));
  EXPECT_EQ(open_engine_token(golden_keyring(), text, kNow), token());
  EXPECT_EQ(open_engine_token(golden_keyring(), text, kNow + 1h - 1ms), token());
  EXPECT_EQ(open_engine_token(golden_keyring(), text, kNow + 1h), std::nullopt);
}

TEST(EngineToken, IsAnotherTextEachTime) { EXPECT_NE(sealed(), sealed()); }

TEST(EngineToken, IsRefusedIfAnyOfItDiffers) {
  const std::string text = sealed();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(open_engine_token(golden_keyring(), other, kNow), std::nullopt) << i;
    EXPECT_EQ(open_engine_token(golden_keyring(), text.substr(0, i), kNow), std::nullopt) << i;
  }
  EXPECT_EQ(open_engine_token(golden_keyring(), text + "A", kNow), std::nullopt);
}

TEST(EngineToken, IsNotASessionTokenUnderAnotherName) {
  // The same key, salt and claims sealed as session tokens are.
  const Keyring keys = golden_keyring();
  const Key& key = *keys.find(KeyPurpose::session, 7);
  const std::string salt(32, 's');
  std::string head("\1\0\0\0\7", 5);
  head += salt;
  std::string plain(as_text(token().token));
  plain += std::string(16, '\x7f');
  const Digest256 sealing = hmac_sha256(key.seal.reveal(), salt);
  const std::string bytes =
      head + aes_gcm_seal(as_text(sealing), std::string(12, '\0'), head, plain);
  EXPECT_EQ(open_engine_token(keys, "vkeng_" + base64url(bytes), kNow), std::nullopt);
}

}  // namespace
}  // namespace valetkey::access
