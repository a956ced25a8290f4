// SPDX-License-Identifier: Apache-2.0
// Whatever a parser accepts comes back from its written form.
#include <cstdlib>

#include "base/timestamp.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  if (const auto day = parse_date(text)) require(format_date(*day) == text);
  if (const auto t = parse_iso8601(text)) require(*parse_iso8601(format_iso8601_ms(*t)) == *t);
  if (const auto t = parse_amz_date(text)) require(format_amz_date(*t) == text);
  if (const auto t = parse_http_date(text)) require(*parse_http_date(format_http_date(*t)) == *t);
  if (const auto d = parse_duration(text)) require(*parse_duration(format_duration(*d)) == *d);
  return 0;
}
