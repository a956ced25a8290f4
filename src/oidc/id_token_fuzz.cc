// SPDX-License-Identifier: Apache-2.0
// verify_id_token() on arbitrary tokens and key documents, parted by a NUL: nothing is ever accepted.
#include <cstdlib>

#include "oidc/id_token.h"

using namespace valetkey;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find('\0'), text.size());
  const std::string_view keys = cut < text.size() ? text.substr(cut + 1) : std::string_view();
  const oidc::Expected expected{"https://accounts.example", "valetkey", "nonce", from_epoch_ms(1)};
  // No input makes a signature over these claims by chance.
  if (oidc::verify_id_token(text.substr(0, cut), keys, expected)) std::abort();
  return 0;
}
