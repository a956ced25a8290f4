// SPDX-License-Identifier: Apache-2.0
#include "s3/continuation_token.h"

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::s3 {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kHeadBytes = 1 + 4 + 8;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kMaxKeyBytes = 1024;
constexpr std::size_t kMaxTokenChars = (kHeadBytes + kMaxKeyBytes + kMacBytes + 2) / 3 * 4;

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xFF);
}

std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// Lengths in front, so that no two identities give the same bytes.
Digest256 mac_of(const Key& key, const ListingIdentity& identity, std::string_view payload) {
  std::string text;
  for (const std::string_view part :
       {payload, identity.account, identity.prefix, identity.delimiter}) {
    append_big_endian(text, part.size(), 8);
    text += part;
  }
  return hmac_sha256(key.derive.reveal(), text);
}

std::unexpected<Error> refuse_token() {
  return fail(ErrorCode::invalid, "the continuation token is not one of this listing");
}

}  // namespace

Result<std::string> make_continuation_token(const Keyring& keyring, const ListingIdentity& identity,
                                            const ListingPosition& position, Timestamp now) {
  const Key* key = keyring.active(KeyPurpose::object, now);
  if (!key) return fail(ErrorCode::internal, "the keyring has no active object key");
  std::string payload(1, kVersion);
  append_big_endian(payload, key->id, 4);
  append_big_endian(payload, position.generation, 8);
  payload += position.last_key;
  payload += as_text(mac_of(*key, identity, payload));
  return base64url(payload);
}

Result<ListingPosition> read_continuation_token(const Keyring& keyring,
                                                const ListingIdentity& identity,
                                                std::string_view token, Timestamp now) {
  if (token.size() > kMaxTokenChars) return refuse_token();
  const auto bytes = unbase64url(token);
  if (!bytes || bytes->size() < kHeadBytes + kMacBytes || bytes->front() != kVersion)
    return refuse_token();
  const std::string_view all = *bytes;
  const std::string_view payload = all.substr(0, all.size() - kMacBytes);
  const auto id = static_cast<std::uint32_t>(read_big_endian(payload.substr(1, 4)));
  const Key* key = keyring.find(KeyPurpose::object, id);
  if (!key || keyring.state_of(*key, now) == KeyState::retired) return refuse_token();
  const Digest256 mac = mac_of(*key, identity, payload);
  if (!equal_in_constant_time(as_text(mac), all.substr(payload.size()))) return refuse_token();
  return ListingPosition{read_big_endian(payload.substr(5, 8)),
                         std::string(payload.substr(kHeadBytes))};
}

}  // namespace valetkey::s3
