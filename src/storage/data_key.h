// SPDX-License-Identifier: Apache-2.0
// The data key of one object, and how it rests in the index row: wrapped under an object key of the
// keyring and bound to everything that says which object it is, so that exchanged files or rows do
// not open. Pure but for the random source; thread-safe. Format: docs/formats.md, "Object data
// key".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/keyring.h"
#include "base/result.h"
#include "base/secret.h"
#include "storage/object_id.h"

namespace valetkey::storage {

inline constexpr std::size_t kDataKeyBytes = 32;
inline constexpr std::size_t kWrappedKeyBytes = 12 + kDataKeyBytes + 16;  // nonce, ciphertext, tag

struct ObjectIdentity {
  ObjectId id;
  std::string_view bucket;
  std::string_view key;
  std::uint64_t size = 0;
  std::string_view md5;  // the ETag, 16 raw bytes
};

struct WrappedKey {
  std::uint32_t key_id = 0;  // of the keyring's object key
  std::string bytes;         // kWrappedKeyBytes
};

Secret make_data_key();  // random
// Every field as 4-byte big-endian length and bytes: key id (4, big-endian), object id (16),
// bucket, S3 key, size (8, big-endian), MD5 (16).
std::string wrapping_aad(std::uint32_t key_id, const ObjectIdentity& object);
Result<WrappedKey> wrap_data_key(const Key& object_key, const Secret& data_key,
                                 const ObjectIdentity& object);
// `denied` if the keyring lacks the key, `corrupt` if the wrapping does not open for this object.
Result<Secret> unwrap_data_key(const Keyring& keyring, const WrappedKey& wrapped,
                               const ObjectIdentity& object);
// The active object key, or `unavailable` and why.
Result<const Key*> active_object_key(const Keyring& keyring, Timestamp now);

}  // namespace valetkey::storage
