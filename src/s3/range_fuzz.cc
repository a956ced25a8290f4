// SPDX-License-Identifier: Apache-2.0
// The headers that a GET parses beyond its signature: ranges, entity tags, dates.
#include <cstdlib>

#include "s3/conditions.h"
#include "s3/range.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::uint64_t length = data[0];
  const auto range = s3::resolve_range(text, length);
  if (range.kind != s3::RangeKind::unsatisfiable &&
      (range.span.offset > length || range.span.length > length - range.span.offset))
    std::abort();
  if (range.kind == s3::RangeKind::part && range.span.length == 0) std::abort();
  http::Request request;
  for (const char* name :
       {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"})
    request.headers.push_back({name, text});
  const s3::Validators object{"d41d8cd98f00b204e9800998ecf8427e", from_epoch_ms(1'600'000'000'000)};
  s3::check_conditions(request, object);
  s3::range_applies(request, object);
  return 0;
}
