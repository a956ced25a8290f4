// SPDX-License-Identifier: Apache-2.0
// parse_listing() and parse_fault() on arbitrary bytes.
#include <cstdlib>

#include "client/listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::client;
  const std::string_view xml(reinterpret_cast<const char*>(data), size);
  if (parse_fault(xml).message.size() > 300) std::abort();
  const auto page = parse_listing(xml);
  if (!page) return 0;
  for (const ListedObject& object : page->objects) {
    if (object.key.empty()) std::abort();
    const std::string md5 = md5_of_etag(object.etag);
    if (!md5.empty() && md5.size() != 32) std::abort();
  }
  return 0;
}
