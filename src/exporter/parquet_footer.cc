// SPDX-License-Identifier: Apache-2.0
#include "exporter/parquet_footer.h"

#include <algorithm>

#include "exporter/thrift.h"

namespace valetkey::exporter {
namespace {

constexpr std::string_view kMagic = "PAR1";
constexpr std::uint64_t kTrailerBytes = 8;  // length of the footer, magic
constexpr std::size_t kMaxSchemaElements = 10'000;
constexpr std::int32_t kTimestampMillis = 9;
constexpr std::int32_t kFirstInteger = 11, kLastInteger = 18;  // UINT_8 to INT_64

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::corrupt, "a Parquet footer has " + std::string(what));
}

SchemaElement read_element(ThriftReader& in) {
  SchemaElement element;
  const auto small = [&] { return static_cast<std::int32_t>(in.integer()); };
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    const bool integer = f.type == ThriftType::i32;
    if (f.id == 1 && integer)
      element.type = small();
    else if (f.id == 3 && integer)
      element.repetition = small();
    else if (f.id == 4 && f.type == ThriftType::binary)
      element.name = in.binary();
    else if (f.id == 5 && integer)
      element.children = small();
    else if (f.id == 6 && integer)
      element.converted_type = small();
    else {
      element.has_logical_type |= f.id == 10;
      in.skip(f.type);
    }
  }
  return element;
}

// The rows of one RowGroup.
std::int64_t read_row_group(ThriftReader& in) {
  std::int64_t rows = -1;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    if (f.id == 3 && f.type == ThriftType::i64)
      rows = in.integer();
    else
      in.skip(f.type);
  }
  return rows;
}

// Whether the elements make exactly one tree.
bool is_tree(const std::vector<SchemaElement>& schema) {
  std::int64_t open = 1;
  for (const auto& element : schema) {
    if (open <= 0 || element.children < 0) return false;
    open += element.children - 1;
  }
  return open == 0;
}

void write_element(const SchemaElement& element, ThriftWriter& out) {
  std::int32_t former = 0;
  const auto integer = [&](std::int32_t id, std::int32_t value) {
    out.field(id, former, ThriftType::i32);
    out.integer(value);
    former = id;
  };
  if (element.type) integer(1, *element.type);
  if (element.repetition) integer(3, *element.repetition);
  out.field(4, former, ThriftType::binary);
  out.binary(element.name);
  former = 4;
  if (element.children > 0) integer(5, element.children);
  if (element.converted_type) integer(6, *element.converted_type);
  out.stop();
}

void conform(std::vector<SchemaElement>& schema, const std::vector<std::string>& timestamps) {
  constexpr std::int32_t kInt64 = 2;
  schema[0].name = "spark_schema";
  schema[0].repetition.reset();
  std::int64_t below = 0;  // elements left in the current top-level column
  for (std::size_t i = 1; i < schema.size(); ++i) {
    auto& element = schema[i];
    const bool top = below == 0;
    below += element.children - (top ? 0 : 1);
    element.has_logical_type = false;
    const bool integer =
        element.converted_type >= kFirstInteger && element.converted_type <= kLastInteger;
    if (integer || element.type == kInt64) element.converted_type.reset();
    if (top && element.type == kInt64 &&
        std::ranges::find(timestamps, element.name) != timestamps.end())
      element.converted_type = kTimestampMillis;
  }
}

}  // namespace

Result<ParquetFooter> parse_parquet_footer(std::string_view file_metadata) {
  ThriftReader in(file_metadata);
  ParquetFooter footer;
  std::int64_t rows = -1, grouped = 0;
  std::uint32_t seen = 0;  // of the fields read here; two of one would leave it open which counts
  bool sound = true;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    const std::uint32_t bit = f.id >= 2 && f.id <= 4 ? 1U << f.id : 0;
    sound &= (seen & bit) == 0;
    seen |= bit;
    if (!sound) break;
    if (f.id == 2 && f.type == ThriftType::list) {
      const auto items = in.list();
      sound &= items.item == ThriftType::struct_ && items.size <= kMaxSchemaElements;
      for (std::uint64_t i = 0; sound && i < items.size && !in.failed(); ++i)
        footer.schema.push_back(read_element(in));
    } else if (f.id == 3 && f.type == ThriftType::i64) {
      rows = in.integer();
    } else if (f.id == 4 && f.type == ThriftType::list) {
      const auto items = in.list();
      sound &= items.item == ThriftType::struct_ || items.size == 0;
      for (std::uint64_t i = 0; sound && i < items.size && !in.failed(); ++i) {
        const auto count = read_row_group(in);
        sound &= count >= 0 && !__builtin_add_overflow(grouped, count, &grouped);
      }
    } else {
      sound &= bit == 0;  // of another type than it must have
      in.skip(f.type);
    }
  }
  if (in.failed() || !sound) return malformed("a malformed structure");
  if (footer.schema.empty() || !is_tree(footer.schema)) return malformed("no sound schema");
  if (rows < 0 || rows != grouped) return malformed("row groups that do not add up to its rows");
  footer.rows = static_cast<std::uint64_t>(rows);
  return footer;
}

Result<std::string> read_parquet_footer(std::uint64_t size, const ReadAt& read_at) {
  if (size < kMagic.size() + kTrailerBytes)
    return fail(ErrorCode::corrupt, "too short for a Parquet file");
  std::string trailer(kTrailerBytes, '\0'), head(kMagic.size(), '\0');
  VALETKEY_CHECK(read_at(0, head));
  VALETKEY_CHECK(read_at(size - kTrailerBytes, trailer));
  std::uint32_t length = 0;
  for (int i = 3; i >= 0; --i) length = length << 8 | static_cast<std::uint8_t>(trailer[i]);
  if (head != kMagic || std::string_view(trailer).substr(4) != kMagic)
    return fail(ErrorCode::corrupt, "not a Parquet file");
  if (length > kMaxFooterBytes || length > size - kMagic.size() - kTrailerBytes)
    return malformed("an impossible length");
  std::string footer(length, '\0');
  VALETKEY_CHECK(read_at(size - kTrailerBytes - length, footer));
  return footer;
}

Result<std::uint64_t> count_parquet_rows(std::uint64_t size, const ReadAt& read_at) {
  VALETKEY_TRY(const auto bytes, read_parquet_footer(size, read_at));
  VALETKEY_TRY(const auto footer, parse_parquet_footer(bytes));
  return footer.rows;
}

Result<std::string> rewrite_parquet_footer(std::string_view file_metadata,
                                           const std::vector<std::string>& timestamps) {
  VALETKEY_TRY(auto footer, parse_parquet_footer(file_metadata));
  conform(footer.schema, timestamps);
  std::string bytes;
  ThriftWriter out(bytes);
  ThriftReader in(file_metadata);
  std::int32_t former = 0;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    const auto start = in.position();
    in.skip(f.type);
    out.field(f.id, former, f.type);
    former = f.id;
    if (f.id != 2) {
      out.raw(file_metadata.substr(start, in.position() - start));
      continue;
    }
    out.list(ThriftType::struct_, footer.schema.size());
    for (const auto& element : footer.schema) write_element(element, out);
  }
  out.stop();
  return bytes;
}

}  // namespace valetkey::exporter
