// SPDX-License-Identifier: Apache-2.0
// The Range header as S3 reads it. Pure. Thread-safe.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-14; where S3 is known to differ, S3 wins:
// a header that is not one single valid byte range (several ranges, another unit, first > last) is
// ignored, and the whole object is the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace valetkey::s3 {

struct Span {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

enum class RangeKind : std::uint8_t {
  whole,          // no range, or one that is ignored: 200
  part,           // 206
  unsatisfiable,  // 416
};
struct RangeAnswer {
  RangeKind kind = RangeKind::whole;
  Span span;  // what to send, whole object included
};

// `header`: bytes=FIRST-LAST, bytes=FIRST- or bytes=-SUFFIX. `size`: of the object.
RangeAnswer resolve_range(std::optional<std::string_view> header, std::uint64_t size);
// "bytes 0-9/100"; `span` must not be empty.
std::string content_range(const Span& span, std::uint64_t size);

}  // namespace valetkey::s3
