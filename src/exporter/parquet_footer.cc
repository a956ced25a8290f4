// SPDX-License-Identifier: Apache-2.0
#include "exporter/parquet_footer.h"

#include <algorithm>

#include "exporter/internal/thrift.h"
#include "layout/fields.h"

namespace valetkey::exporter {
namespace {

constexpr std::string_view kMagic = "PAR1";
constexpr std::uint64_t kTrailerBytes = 8;  // length of the footer, magic
constexpr std::size_t kMaxSchemaElements = 10'000;
constexpr std::int32_t kTimestampMillis = 9, kTimestampMicros = 10;
constexpr std::int32_t kMap = 1, kMapKeyValue = 2, kList = 3;
constexpr std::int32_t kFirstInteger = 11, kLastInteger = 18;  // UINT_8 to INT_64

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::corrupt, "a Parquet footer has " + std::string(what));
}

// A LogicalType: of a TIMESTAMP (8) whether it is adjusted to UTC (1).
std::optional<bool> read_is_utc(ThriftReader& in) {
  std::optional<bool> is_utc;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    if (f.id != 8 || f.type != ThriftType::struct_) {
      in.skip(f.type);
      continue;
    }
    is_utc = false;
    for (auto t = in.field(0); t.type != ThriftType::stop; t = in.field(t.id)) {
      if (t.id == 1) is_utc = t.type == ThriftType::true_;
      in.skip(t.type);
    }
  }
  return is_utc;
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
    else if (f.id == 9 && integer)
      element.field_id = small();
    else if (f.id == 10 && f.type == ThriftType::struct_) {
      element.has_logical_type = true;
      element.is_utc = read_is_utc(in);
    } else {
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
  if (element.field_id) integer(9, *element.field_id);
  out.stop();
}

void conform(layout::RowType type, layout::TimestampUnit unit, std::vector<SchemaElement>& schema) {
  constexpr std::int32_t kInt64 = 2;
  const bool micros = unit == layout::TimestampUnit::microseconds;
  const auto paths = field_paths(schema);
  schema[0].name = "spark_schema";
  schema[0].repetition.reset();
  for (std::size_t i = 1; i < schema.size(); ++i) {
    auto& element = schema[i];
    element.has_logical_type = false;
    element.is_utc.reset();
    element.field_id.reset();
    const bool integer =
        element.converted_type >= kFirstInteger && element.converted_type <= kLastInteger;
    if (integer || element.type == kInt64) element.converted_type.reset();
    const auto field = layout::find_field(type, paths[i]);
    if (!field) continue;
    if (field->kind == layout::FieldKind::instant && element.type == kInt64)
      element.converted_type = micros ? kTimestampMicros : kTimestampMillis;
    if (micros) element.field_id = field->id;
  }
}

// A group whose children are being named.
struct OpenGroup {
  enum class Names : std::uint8_t { nothing, own, element, wrapped_list, wrapped_map };
  Names names = Names::nothing;
  std::string path;
  std::int32_t left = 0;
};

std::string path_in(const OpenGroup& group, const std::string& name) {
  using enum OpenGroup::Names;
  if (group.names == element) return group.path + ".element";
  if (group.names != own) return "";
  return group.path.empty() ? name : group.path + "." + name;
}

// What the children of `group`, which lies in `outer`, are called.
OpenGroup open_group(const SchemaElement& group, const std::string& path, const OpenGroup& outer) {
  using enum OpenGroup::Names;
  if (outer.names == wrapped_list) return {element, outer.path, group.children};
  if (outer.names == wrapped_map) return {own, outer.path, group.children};
  if (path.empty()) return {nothing, "", group.children};
  if (group.converted_type == kList) return {wrapped_list, path, group.children};
  const bool map = group.converted_type == kMap || group.converted_type == kMapKeyValue;
  return {map ? wrapped_map : own, path, group.children};
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

std::vector<std::string> field_paths(const std::vector<SchemaElement>& schema) {
  std::vector<std::string> paths(schema.size());
  if (schema.empty()) return paths;
  std::vector<OpenGroup> open{{OpenGroup::Names::own, "", schema[0].children}};
  for (std::size_t i = 1; i < schema.size(); ++i) {
    while (open.size() > 1 && open.back().left == 0) open.pop_back();
    --open.back().left;
    paths[i] = path_in(open.back(), schema[i].name);
    if (schema[i].children > 0) open.push_back(open_group(schema[i], paths[i], open.back()));
  }
  return paths;
}

Result<std::string> rewrite_parquet_footer(layout::RowType type, layout::TimestampUnit unit,
                                           std::string_view file_metadata) {
  VALETKEY_TRY(auto footer, parse_parquet_footer(file_metadata));
  conform(type, unit, footer.schema);
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
