// SPDX-License-Identifier: Apache-2.0
// What strangers call things: accepted values come back unchanged, and nothing else is accepted.
#include <cstdlib>

#include "base/ids.h"
#include "control/control_store.h"
#include "control/names.h"
#include "control/tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  if (const auto email = control::normalise_email(text)) {
    require(email->size() == size && *control::normalise_email(*email) == *email);
  }
  if (control::check_name(text, 1, "a name"))
    require(size >= 1 && size <= 400 && text.find_first_of("\n\r\x1b\x7f") == text.npos);
  if (const auto scopes = control::TokenScopes::parse(text))
    require(*control::TokenScopes::parse(scopes->str()) == *scopes && size <= 25);
  if (is_well_formed_token(text)) require(size == kTokenLength);
  if (const auto id = AccountId::parse(text)) require(id->str() == text && size <= 20);
  if (const auto id = TokenId::parse(text)) require(id->str() == text);
  if (const auto id = AccessKeyId::parse(text)) require(id->str() == text && size == 20);
  return 0;
}
