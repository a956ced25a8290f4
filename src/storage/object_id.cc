// SPDX-License-Identifier: Apache-2.0
#include "storage/object_id.h"

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"

namespace valetkey::storage {

ObjectId ObjectId::make() {
  ObjectId id;
  random_bytes(id.bytes);
  return id;
}

Result<ObjectId> ObjectId::from_bytes(std::string_view raw) {
  ObjectId id;
  if (raw.size() != id.bytes.size())
    return fail(ErrorCode::corrupt, "an object id has 16 bytes, this one has another length");
  std::copy(raw.begin(), raw.end(), id.bytes.begin());
  return id;
}

Result<ObjectId> ObjectId::parse(std::string_view text) {
  const bool lower = std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (text.size() != 32 || !lower)
    return fail(ErrorCode::invalid, "an object id must be 32 lower-case hex digits");
  VALETKEY_TRY(const std::string raw, unhex(text));
  return from_bytes(raw);
}

std::string ObjectId::str() const { return hex(raw()); }

std::string ObjectId::file_path() const {
  const std::string name = str();
  return name.substr(0, 2) + "/" + name;
}

}  // namespace valetkey::storage
