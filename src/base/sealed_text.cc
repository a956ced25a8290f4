// SPDX-License-Identifier: Apache-2.0
#include "base/sealed_text.h"

#include "base/crypto.h"

namespace valetkey {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kHeadBytes = 1 + 4 + kSaltBytes;
static_assert(kSealedTextMore == kHeadBytes + kAesTagBytes);
// Each sealing key comes of a fresh salt and seals one message.
constexpr std::string_view kNonce("\0\0\0\0\0\0\0\0\0\0\0\0", kAesNonceBytes);

Digest256 sealing_key(const Key& key, std::string_view label, std::string_view salt) {
  return hmac_sha256(key.seal.reveal(), std::string(label).append(salt));
}

const Key* opening_key(const Keyring& keyring, std::string_view sealed, Timestamp now) {
  std::uint32_t id = 0;
  for (const char byte : sealed.substr(1, 4)) id = id << 8 | static_cast<std::uint8_t>(byte);
  const Key* key = keyring.find(KeyPurpose::session, id);
  if (key == nullptr) return nullptr;
  const KeyState state = keyring.state_of(*key, now);
  return state == KeyState::active || state == KeyState::verify_only ? key : nullptr;
}

}  // namespace

Result<std::string> seal_text(const Keyring& keyring, std::string_view label,
                              std::string_view plain, Timestamp now) {
  VALETKEY_TRY(const Key* key, keyring.require_active(KeyPurpose::session, now));
  // Different texts have different salts, even if the same random bytes came twice.
  const Digest256 salt = sha256(pooled_random_bytes(kSaltBytes).append(plain));
  std::string sealed(1, kVersion);
  for (int shift = 24; shift >= 0; shift -= 8)
    sealed.push_back(static_cast<char>(key->id >> shift & 0xFF));
  sealed.append(as_text(salt));
  const Digest256 with = sealing_key(*key, label, as_text(salt));
  sealed += aes_gcm_seal(as_text(with), kNonce, sealed, plain);
  return sealed;
}

std::optional<std::string> open_text(const Keyring& keyring, std::string_view label,
                                     std::string_view sealed, Timestamp now) {
  if (sealed.size() < kSealedTextMore || sealed.front() != kVersion) return std::nullopt;
  const Key* key = opening_key(keyring, sealed, now);
  if (key == nullptr) return std::nullopt;
  const Digest256 with = sealing_key(*key, label, sealed.substr(1 + 4, kSaltBytes));
  Result<std::string> plain =
      aes_gcm_open(as_text(with), kNonce, sealed.substr(0, kHeadBytes), sealed.substr(kHeadBytes));
  if (!plain) return std::nullopt;
  return *std::move(plain);
}

}  // namespace valetkey
