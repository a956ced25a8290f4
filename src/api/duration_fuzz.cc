// SPDX-License-Identifier: Apache-2.0
#include "api/internal/duration.h"

#include <cstdint>
#include <cstdlib>

// What is read is never negative and has one of the four units at its end.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto read = valetkey::api::parse_export_duration(text);
  if (!read) return 0;
  const bool unit = std::string_view("HhMm").contains(text.back());
  if (!unit || read->count() < 0 || text.find_first_not_of("0123456789") != size - 1) std::abort();
  return 0;
}
