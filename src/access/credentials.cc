// SPDX-License-Identifier: Apache-2.0
#include "access/credentials.h"

#include <algorithm>

#include "access/internal/claims.h"
#include "access/internal/session_token.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "layout/part_key.h"

namespace valetkey::access {
namespace {

// version, key id, salt: the additional data of the seal.
constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + 4 + kSaltBytes;
constexpr std::size_t kSecretBytes = 30;  // 40 characters, as AWS's are
// Each sealing key comes of a fresh random salt and seals one message, so the nonce need not vary.
constexpr std::string_view kNonce("\0\0\0\0\0\0\0\0\0\0\0\0", kAesNonceBytes);

std::string head_of(const Key& key, std::string_view salt) {
  std::string head(1, kVersion);
  for (int shift = 24; shift >= 0; shift -= 8)
    head.push_back(static_cast<char>(key.id >> shift & 0xFF));
  return head.append(salt);
}

std::uint32_t key_id_of(std::string_view head) {
  std::uint32_t id = 0;
  for (const char byte : head.substr(1, 4)) id = id << 8 | static_cast<std::uint8_t>(byte);
  return id;
}

// A session token in a log shows the salt, but neither the claims nor the subkey.
Secret derive_secret(const Key& key, std::string_view salt, std::string_view claims) {
  const Digest256 mac = hmac_sha256(key.derive.reveal(), std::string(salt).append(claims));
  return Secret(base64url(as_text(mac).substr(0, kSecretBytes)));
}

// Random, and still different for different claims if the same random bytes came twice: two
// messages under one sealing key would give that key's authentication away.
Digest256 make_salt(std::string_view claims) {
  return sha256(pooled_random_bytes(kSaltBytes).append(claims));
}

std::unexpected<RefusedSession> malformed() {
  return std::unexpected(RefusedSession{SessionRefusal::malformed});
}

// The key that a token names, where it may still open tokens.
const Key* opening_key(const Keyring& keyring, std::string_view sealed, Timestamp now) {
  const Key* key = keyring.find(KeyPurpose::session, key_id_of(sealed));
  if (key == nullptr) return nullptr;
  const KeyState state = keyring.state_of(*key, now);
  return state == KeyState::active || state == KeyState::verify_only ? key : nullptr;
}

Result<std::string> open_claims(const Key& key, std::string_view sealed) {
  const std::string_view head = sealed.substr(0, kHeadBytes);
  const Digest256 sealing_key = hmac_sha256(key.seal.reveal(), head.substr(1 + 4));
  return aes_gcm_open(as_text(sealing_key), kNonce, head, sealed.substr(kHeadBytes));
}

}  // namespace

SealedSession seal_session(const Key& key, std::string_view salt, std::string_view claims) {
  std::string sealed = head_of(key, salt);
  const Digest256 sealing_key = hmac_sha256(key.seal.reveal(), salt);
  sealed += aes_gcm_seal(as_text(sealing_key), kNonce, sealed, claims);
  return {Secret(base64url(sealed)), derive_secret(key, salt, claims)};
}

Result<Timestamp> end_of_session(const control::TokenGrant& grant, milliseconds duration,
                                 milliseconds min_life, Timestamp now) {
  if (!grant.scopes.export_)
    return fail(ErrorCode::denied, "token " + grant.token.str() + " lacks the scope export");
  if (duration <= milliseconds(0) || duration > kLongestSession)
    return fail(ErrorCode::invalid, "a session lives longer than nothing and at most " +
                                        format_duration(kLongestSession));
  const Timestamp expires = std::min(now + duration, grant.expires.value_or(Timestamp::max()));
  if (expires <= now) return fail(ErrorCode::denied, "token " + grant.token.str() + " has expired");
  if (expires - now < min_life)
    return fail(ErrorCode::denied, "token " + grant.token.str() + " ends within " +
                                       format_duration(min_life) +
                                       ", and no session can be that short");
  return expires;
}

Result<Credentials> SealedIssuer::issue(const control::TokenGrant& grant, milliseconds duration,
                                        Timestamp now) {
  VALETKEY_TRY(const Timestamp expires, end_of_session(grant, duration, min_life(), now));
  const std::shared_ptr<const Keyring> keyring = keys_.get();
  VALETKEY_TRY(const Key* key, keyring->require_active(KeyPurpose::session, now));
  const Claims claims{make_access_key_id(), grant.account, grant.user, grant.token, now, expires,
                      grant.narrowing};
  const std::string encoded = encode_claims(claims);
  SealedSession sealed = seal_session(*key, as_text(make_salt(encoded)), encoded);
  return Credentials{claims.access_key_id.str(), std::move(sealed.secret_access_key),
                     std::move(sealed.session_token), expires};
}

Scope::Scope(Claims claims, Secret secret)
    : claims_(std::move(claims)),
      prefix_(layout::account_prefix(claims_.account)),
      secret_(std::move(secret)) {}

Result<Scope, RefusedSession> open_session(const Keyring& keyring, std::string_view session_token,
                                           std::string_view access_key_id, Timestamp now) {
  if (session_token.size() > kMaxSessionTokenBytes) return malformed();
  const Result<std::string> sealed = unbase64url(session_token);
  if (!sealed || sealed->size() < kHeadBytes + kAesTagBytes || sealed->front() != kVersion)
    return malformed();
  const Key* key = opening_key(keyring, *sealed, now);
  if (key == nullptr) return malformed();
  const Result<std::string> encoded = open_claims(*key, *sealed);
  if (!encoded) return malformed();
  std::optional<Claims> claims = decode_claims(*encoded);
  if (!claims || claims->access_key_id.str() != access_key_id) return malformed();
  if (now >= claims->expires)
    return std::unexpected(RefusedSession{SessionRefusal::expired, std::move(claims)});
  const std::string_view salt = std::string_view(*sealed).substr(1 + 4, kSaltBytes);
  return Scope(*std::move(claims), derive_secret(*key, salt, *encoded));
}

}  // namespace valetkey::access
