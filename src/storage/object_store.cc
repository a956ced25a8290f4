// SPDX-License-Identifier: Apache-2.0
#include "storage/object_store.h"

#include "base/encoding.h"

namespace valetkey::storage {

Result<void> check_key(std::string_view key) {
  const bool fine = !key.empty() && key.size() <= 1024 && is_utf8(key) &&
                    key.find('\0') == std::string_view::npos;
  if (fine) return {};
  return fail(ErrorCode::invalid, "an object key must be UTF-8 of 1 to 1024 bytes without NUL");
}

Result<void> check_size(const Publication& publication) {
  if (publication.keys() <= kMaxPublishedKeys) return {};
  return fail(ErrorCode::too_large, "one publication has at most 1,000 keys");
}

}  // namespace valetkey::storage
