// SPDX-License-Identifier: Apache-2.0
#include "s3/range.h"

#include <gtest/gtest.h>

namespace valetkey::s3 {
namespace {

Span part(std::string_view header, std::uint64_t size) {
  const RangeAnswer answer = resolve_range(header, size);
  EXPECT_EQ(answer.kind, RangeKind::part) << header;
  return answer.span;
}

TEST(Range, ReadsAllThreeForms) {
  EXPECT_EQ(part("bytes=0-9", 100), (Span{0, 10}));
  EXPECT_EQ(part("bytes=90-", 100), (Span{90, 10}));
  EXPECT_EQ(part("bytes=-10", 100), (Span{90, 10}));
  EXPECT_EQ(part("Bytes = 5-5 ", 100), (Span{5, 1}));
}

TEST(Range, EndsWhereTheObjectEnds) {
  EXPECT_EQ(part("bytes=90-1000", 100), (Span{90, 10}));
  EXPECT_EQ(part("bytes=-1000", 100), (Span{0, 100}));
  EXPECT_EQ(part("bytes=0-99999999999999999999999999", 100), (Span{0, 100}));
}

TEST(Range, IsUnsatisfiableBehindTheEnd) {
  for (const char* header :
       {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=18446744073709551616-"})
    EXPECT_EQ(resolve_range(header, 100).kind, RangeKind::unsatisfiable) << header;
  for (const char* header : {"bytes=0-", "bytes=0-0", "bytes=-5"})
    EXPECT_EQ(resolve_range(header, 0).kind, RangeKind::unsatisfiable) << header;
}

TEST(Range, IgnoresWhatIsNotOneValidByteRange) {
  for (const char* header :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-b", "bytes=0-1,3-4",
        "bytes=0-1, 3-4", "lines=0-9", "bytes=+1-2", "bytes=1--2", "bytes=0x1-2", "bytes=1 - 2"}) {
    const RangeAnswer answer = resolve_range(header, 100);
    EXPECT_EQ(answer.kind, RangeKind::whole) << header;
    EXPECT_EQ(answer.span, (Span{0, 100})) << header;
  }
  EXPECT_EQ(resolve_range(std::nullopt, 100).kind, RangeKind::whole);
}

TEST(Range, WritesContentRange) {
  EXPECT_EQ(content_range({0, 10}, 100), "bytes 0-9/100");
  EXPECT_EQ(content_range({99, 1}, 100), "bytes 99-99/100");
}

}  // namespace
}  // namespace valetkey::s3
