// SPDX-License-Identifier: Apache-2.0
// Bytes that a damaged index holds: one value has one form, and bounds that are cut still hold.
#include <cstdlib>

#include "layout/part_statistics.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::layout;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto read = decode_part_statistics(input); read && encode(*read) != input) std::abort();
  const auto middle = input.size() / 2;
  const auto least = input.substr(0, middle), greatest = input.substr(middle);
  if (const auto bounds = text_bounds(least, greatest)) {
    const auto& lower = std::get<std::string>(bounds->lower);
    const auto& upper = std::get<std::string>(bounds->upper);
    if (lower > least || upper < greatest) std::abort();
    PartStatistics one;
    one.columns.push_back({1, std::nullopt, bounds});
    const auto again = decode_part_statistics(encode(one));
    if (!again || !(*again == one)) std::abort();
  }
  return 0;
}
