// SPDX-License-Identifier: Apache-2.0
// A file somebody imports: its footer may say anything.
#include <algorithm>
#include <cstdlib>

#include "exporter/parquet_footer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  using namespace valetkey::exporter;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto footer = parse_parquet_footer(input);
  const bool events = size % 2 == 1;
  const auto type = events ? layout::RowType::events : layout::RowType::decisions;
  const auto unit =
      size % 4 < 2 ? layout::TimestampUnit::microseconds : layout::TimestampUnit::milliseconds;
  const auto rewritten = rewrite_parquet_footer(type, unit, input);
  if (footer && rewritten) {
    const auto again = parse_parquet_footer(*rewritten);
    if (!again || again->rows != footer->rows || again->schema.size() != footer->schema.size())
      std::abort();
    for (const auto& element : again->schema)
      if (element.has_logical_type) std::abort();
  }
  if (const auto statistics = read_part_statistics(type, input)) {
    const auto again = layout::decode_part_statistics(layout::encode(*statistics));
    if (!footer || !again || !(*again == *statistics) || again->rows != footer->rows) std::abort();
  }
  (void)count_parquet_rows(size, [&](std::uint64_t offset, std::span<char> out) -> Result<void> {
    if (offset > size || out.size() > size - offset) std::abort();
    std::copy_n(input.data() + offset, out.size(), out.data());
    return {};
  });
  return 0;
}
