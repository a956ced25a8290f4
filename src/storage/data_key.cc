// SPDX-License-Identifier: Apache-2.0
#include "storage/data_key.h"

#include <fmt/format.h>

#include "base/crypto.h"
#include "storage/internal/big_endian.h"

namespace valetkey::storage {
namespace {

void append_field(std::string& out, std::string_view field) {
  append_big_endian(out, static_cast<std::uint32_t>(field.size()));
  out.append(field);
}

}  // namespace

Secret make_data_key() { return Secret(random_bytes(kDataKeyBytes)); }

std::string wrapping_aad(std::uint32_t key_id, const ObjectIdentity& object) {
  std::string id, size, aad;
  append_big_endian(id, key_id);
  append_big_endian(size, object.size);
  for (const std::string_view field : {std::string_view(id), object.id.raw(), object.bucket,
                                       object.key, std::string_view(size), object.md5})
    append_field(aad, field);
  return aad;
}

Result<WrappedKey> wrap_data_key(const Key& object_key, const Secret& data_key,
                                 const ObjectIdentity& object) {
  const std::string nonce = random_bytes(kAesNonceBytes);
  const std::string aad = wrapping_aad(object_key.id, object);
  return WrappedKey{object_key.id,
                    nonce + aes_gcm_seal(object_key.seal.reveal(), nonce, aad, data_key.reveal())};
}

Result<Secret> unwrap_data_key(const Keyring& keyring, const WrappedKey& wrapped,
                               const ObjectIdentity& object) {
  const Key* key = keyring.find(KeyPurpose::object, wrapped.key_id);
  if (key == nullptr)
    return fail(ErrorCode::denied, fmt::format("the keyring has no object key {}, which object {} "
                                               "needs: put back the keyring of this data folder",
                                               wrapped.key_id, object.key));
  const std::string_view bytes = wrapped.bytes;
  if (bytes.size() == kWrappedKeyBytes) {
    auto plain = aes_gcm_open(key->seal.reveal(), bytes.substr(0, kAesNonceBytes),
                              wrapping_aad(key->id, object), bytes.substr(kAesNonceBytes));
    if (plain) return Secret(std::move(*plain));
  }
  return fail(
      ErrorCode::corrupt,
      fmt::format("the index row of object {} does not authenticate: run check", object.key));
}

Result<const Key*> active_object_key(const Keyring& keyring, Timestamp now) {
  return keyring.require_active(KeyPurpose::object, now);
}

}  // namespace valetkey::storage
