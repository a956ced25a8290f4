// SPDX-License-Identifier: Apache-2.0
// Narrowing::parse() and make() on arbitrary text: what is read is written the same, and lies within
// itself.
#include <cstdlib>

#include "control/narrowing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using valetkey::control::Narrowing;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = Narrowing::parse(text);
  if (read && (read->str() != text || !read->within(*read))) std::abort();
  const auto made =
      Narrowing::make({.prefixes = {std::string(text)}, .sources = {std::string(text)}});
  if (made) std::abort();  // no text is both
  const auto prefix = Narrowing::make({.prefixes = {std::string(text)}});
  if (prefix && (!prefix->opens(text) || Narrowing::parse(prefix->str()).value() != *prefix))
    std::abort();
  return 0;
}
