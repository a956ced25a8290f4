// SPDX-License-Identifier: Apache-2.0
// Keys of objects that somebody imports, and names that a server lists: a key that is taken for a part's is exactly what
// its pieces make.
#include <cstdlib>

#include "layout/part_key.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::layout;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto key = PartKey::parse(input);
  if (key) {
    if (key->str() != input || key->folder() + key->name.file != input) std::abort();
    if (PartKey::parse(key->str()) != key || account_in(input) != key->account) std::abort();
    const auto day = DayKey::containing(input);
    if (!day || !input.starts_with(day->str())) std::abort();
  }
  if (const auto name = PartName::parse(input); name && name->str() != input) std::abort();
  if (const auto day = DayFolder::containing(input); day && !input.starts_with(day->str()))
    std::abort();
  return 0;
}
