// SPDX-License-Identifier: Apache-2.0
// A key from a stranger's request: each that is taken has that one spelling and lies where no object can.
#include <cstdint>
#include <cstdlib>

#include "tables/metadata_name.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::tables;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const std::string& key : {text, "v1/account_id=12/type=events/_iceberg/" + text}) {
    const auto parsed = MetadataKey::parse(key);
    if (parsed && (parsed->str() != key || !is_metadata_key(key))) std::abort();
  }
  return 0;
}
