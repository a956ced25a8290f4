// SPDX-License-Identifier: Apache-2.0
#include "access/engine_token.h"

#include "base/encoding.h"

namespace valetkey::access {
namespace {

constexpr std::string_view kPrefix = "vkeng_";
constexpr char kVersion = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kHeadBytes = 1 + 4 + kSaltBytes;
constexpr std::size_t kPlainBytes = 32 + 8 + 8;
constexpr std::size_t kBytes = kHeadBytes + kPlainBytes + kAesTagBytes;
// Each sealing key comes of a fresh salt and seals one message.
constexpr std::string_view kNonce("\0\0\0\0\0\0\0\0\0\0\0\0", kAesNonceBytes);
// Sets these sealing keys apart from those of session tokens, which come of the salt alone.
constexpr std::string_view kLabel = "valetkey/1/engine-token";

void append(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xFF));
}

std::uint64_t number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

Digest256 sealing_key(const Key& key, std::string_view salt) {
  return hmac_sha256(key.seal.reveal(), std::string(kLabel).append(salt));
}

const Key* opening_key(const Keyring& keyring, std::string_view sealed, Timestamp now) {
  const auto id = static_cast<std::uint32_t>(number(sealed.substr(1, 4)));
  const Key* key = keyring.find(KeyPurpose::session, id);
  if (key == nullptr) return nullptr;
  const KeyState state = keyring.state_of(*key, now);
  return state == KeyState::active || state == KeyState::verify_only ? key : nullptr;
}

}  // namespace

bool is_engine_token(std::string_view text) { return text.starts_with(kPrefix); }

Result<Secret> seal_engine_token(const Keyring& keyring, const EngineToken& token, Timestamp now) {
  VALETKEY_TRY(const Key* key, keyring.require_active(KeyPurpose::session, now));
  std::string plain(as_text(token.token));
  append(plain, static_cast<std::uint64_t>(epoch_ms(token.granted)), 8);
  append(plain, static_cast<std::uint64_t>(epoch_ms(token.expires)), 8);
  // Different tokens have different salts, even if the same random bytes came twice.
  const Digest256 salt = sha256(pooled_random_bytes(kSaltBytes).append(plain));
  std::string sealed(1, kVersion);
  append(sealed, key->id, 4);
  sealed.append(as_text(salt));
  const Digest256 with = sealing_key(*key, as_text(salt));
  sealed += aes_gcm_seal(as_text(with), kNonce, sealed, plain);
  return Secret(std::string(kPrefix) + base64url(sealed));
}

std::optional<EngineToken> open_engine_token(const Keyring& keyring, std::string_view text,
                                             Timestamp now) {
  if (!is_engine_token(text)) return std::nullopt;
  const Result<std::string> sealed = unbase64url(text.substr(kPrefix.size()));
  if (!sealed || sealed->size() != kBytes || sealed->front() != kVersion) return std::nullopt;
  const std::string_view bytes = *sealed;
  const Key* key = opening_key(keyring, bytes, now);
  if (key == nullptr) return std::nullopt;
  const Digest256 with = sealing_key(*key, bytes.substr(1 + 4, kSaltBytes));
  const Result<std::string> plain =
      aes_gcm_open(as_text(with), kNonce, bytes.substr(0, kHeadBytes), bytes.substr(kHeadBytes));
  if (!plain) return std::nullopt;
  EngineToken token;
  std::copy_n(plain->begin(), token.token.size(), token.token.begin());
  const std::string_view times = std::string_view(*plain).substr(32);
  token.granted = from_epoch_ms(static_cast<std::int64_t>(number(times.substr(0, 8))));
  token.expires = from_epoch_ms(static_cast<std::int64_t>(number(times.substr(8))));
  if (now >= token.expires) return std::nullopt;
  return token;
}

}  // namespace valetkey::access
