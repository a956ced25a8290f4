// SPDX-License-Identifier: Apache-2.0
// A line is a line of UTF-8 without control characters, whatever is logged.
#include <cstdlib>

#include "base/encoding.h"
#include "base/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string value(reinterpret_cast<const char*>(data), size);
  for (const log::Format format : {log::Format::text, log::Format::json}) {
    const std::string line =
        log::format_line(format, Timestamp(), log::Level::info, "t", "m", {{"value", value}});
    if (!is_utf8(line)) std::abort();
    for (const char c : line)
      if (static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f) std::abort();
  }
  return 0;
}
