// SPDX-License-Identifier: Apache-2.0
// parse_keys() on arbitrary text: what it takes can stand in a header.
#include <cstdlib>

#include "aws/internal/credentials_json.h"

using namespace valetkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto form : {aws::KeysForm::process, aws::KeysForm::endpoint}) {
    const auto keys = aws::parse_keys(text, form);
    if (!keys) continue;
    if (keys->keys.access_key_id.empty() || keys->keys.secret_access_key.empty()) std::abort();
    for (const char c : keys->keys.access_key_id)
      if (c <= 0x20 || c >= 0x7F) std::abort();
  }
  return 0;
}
