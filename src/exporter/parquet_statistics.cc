// SPDX-License-Identifier: Apache-2.0
// A part's statistics from its footer: the half of parquet_footer.h that reads row groups.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "exporter/internal/thrift.h"
#include "exporter/parquet_footer.h"
#include "layout/fields.h"

namespace valetkey::exporter {
namespace {

using layout::Bounds;
using layout::BoundValue;
using layout::Field;
using layout::FieldKind;
using layout::TimestampUnit;

constexpr std::int32_t kBoolean = 0, kInt32 = 1, kInt64 = 2, kDouble = 5, kByteArray = 6;
constexpr std::int32_t kTimestampMillis = 9, kTimestampMicros = 10;

constexpr std::size_t kMostChunks = 10'000;  // of a row group: as many as columns

// A column of one row group. The bytes lie in the footer.
struct Chunk {
  std::string_view column;  // empty: it is nested
  std::int32_t type = -1;
  std::optional<std::int64_t> nulls;
  std::optional<std::string_view> least, greatest;
  std::int64_t begins = std::numeric_limits<std::int64_t>::max();
};

struct RowGroup {
  std::int64_t rows = 0;
  std::vector<Chunk> chunks;
};

void read_statistics(ThriftReader& in, Chunk& chunk) {
  std::optional<std::string_view> least, greatest, former_least, former_greatest;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    const bool bytes = f.type == ThriftType::binary;
    if (f.id == 1 && bytes)
      former_greatest = in.binary();
    else if (f.id == 2 && bytes)
      former_least = in.binary();
    else if (f.id == 3 && f.type == ThriftType::i64)
      chunk.nulls = in.integer();
    else if (f.id == 5 && bytes)
      greatest = in.binary();
    else if (f.id == 6 && bytes)
      least = in.binary();
    else
      in.skip(f.type);
  }
  // The former fields have no defined order of texts.
  const bool former = chunk.type != kByteArray && !least && !greatest;
  chunk.least = former ? former_least : least;
  chunk.greatest = former ? former_greatest : greatest;
}

void read_path(ThriftReader& in, Chunk& chunk) {
  const auto items = in.list();
  for (std::uint64_t i = 0; i < items.size && !in.failed(); ++i) {
    if (items.item != ThriftType::binary) {
      in.skip(items.item);
      continue;
    }
    const auto name = in.binary();
    if (items.size == 1) chunk.column = name;
  }
}

void read_metadata(ThriftReader& in, Chunk& chunk) {
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    const bool offset = f.type == ThriftType::i64 && (f.id == 9 || f.id == 11);
    if (f.id == 1 && f.type == ThriftType::i32)
      chunk.type = static_cast<std::int32_t>(in.integer());
    else if (f.id == 3 && f.type == ThriftType::list)
      read_path(in, chunk);
    else if (offset) {  // of the first data page, of the dictionary
      const auto at = in.integer();
      if (at > 0) chunk.begins = std::min(chunk.begins, at);
    } else if (f.id == 12 && f.type == ThriftType::struct_)
      read_statistics(in, chunk);
    else
      in.skip(f.type);
  }
}

Chunk read_chunk(ThriftReader& in) {
  Chunk chunk;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    if (f.id == 3 && f.type == ThriftType::struct_)
      read_metadata(in, chunk);
    else
      in.skip(f.type);
  }
  return chunk;
}

RowGroup read_group(ThriftReader& in) {
  RowGroup group;
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    if (f.id == 3 && f.type == ThriftType::i64) {
      group.rows = in.integer();
    } else if (f.id == 1 && f.type == ThriftType::list) {
      const auto items = in.list();
      for (std::uint64_t i = 0; i < items.size && !in.failed(); ++i) {
        if (items.item == ThriftType::struct_ && group.chunks.size() < kMostChunks)
          group.chunks.push_back(read_chunk(in));
        else
          in.skip(items.item);
      }
    } else {
      in.skip(f.type);
    }
  }
  return group;
}

// Of bytes that parse_parquet_footer() took. One group at a time: a footer may claim very many.
void for_each_group(std::string_view file_metadata,
                    const std::function<void(const RowGroup&)>& each) {
  ThriftReader in(file_metadata);
  for (auto f = in.field(0); f.type != ThriftType::stop; f = in.field(f.id)) {
    if (f.id != 4 || f.type != ThriftType::list) {
      in.skip(f.type);
      continue;
    }
    const auto items = in.list();
    for (std::uint64_t i = 0; i < items.size && !in.failed(); ++i) each(read_group(in));
  }
}

std::optional<std::int64_t> little_endian(std::string_view bytes, std::size_t width) {
  if (bytes.size() != width) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = width; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
  if (width == 4) return static_cast<std::int32_t>(value);
  return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> instant(std::int64_t value, TimestampUnit unit) {
  if (unit == TimestampUnit::microseconds) return value;
  if (unit != TimestampUnit::milliseconds || __builtin_mul_overflow(value, 1000, &value))
    return std::nullopt;
  return value;
}

// Zero may stand for either of its signs.
std::optional<BoundValue> real(std::int64_t bits, bool least) {
  const auto value = std::bit_cast<double>(bits);
  if (std::isnan(value)) return std::nullopt;
  return value == 0 ? (least ? -0.0 : 0.0) : value;
}

std::optional<BoundValue> value_of(const Field& field, const Chunk& chunk, TimestampUnit unit,
                                   bool least) {
  const auto& bytes = least ? chunk.least : chunk.greatest;
  if (!bytes) return std::nullopt;
  if (field.kind == FieldKind::text && chunk.type == kByteArray) return std::string(*bytes);
  if (field.kind == FieldKind::boolean && chunk.type == kBoolean && bytes->size() == 1)
    return bytes->front() != 0;
  const auto number = little_endian(*bytes, chunk.type == kInt32 ? 4 : 8);
  if (!number) return std::nullopt;
  if (field.kind == FieldKind::real && chunk.type == kDouble) return real(*number, least);
  if (field.kind == FieldKind::integer && (chunk.type == kInt64 || chunk.type == kInt32))
    return *number;
  if (field.kind != FieldKind::instant || chunk.type != kInt64) return std::nullopt;
  const auto at = instant(*number, unit);
  return at ? std::optional<BoundValue>(*at) : std::nullopt;
}

// Adds up one column over the row groups.
class Column {
 public:
  Column(const Field& field, TimestampUnit unit) : field_(field), unit_(unit) {}

  void add(const RowGroup& group) {
    const auto it = std::ranges::find(group.chunks, field_.path, &Chunk::column);
    if (it == group.chunks.end()) {
      nulls_ += static_cast<std::uint64_t>(group.rows);  // a file may lack the column
      return;
    }
    const bool counted = it->nulls && *it->nulls >= 0 && *it->nulls <= group.rows;
    if (counted) nulls_ += static_cast<std::uint64_t>(*it->nulls);
    all_counted_ &= counted;
    if (!field_.bounds || (counted && *it->nulls == group.rows)) return;  // nothing to bound
    auto least = value_of(field_, *it, unit_, true);
    auto greatest = value_of(field_, *it, unit_, false);
    if (!least || !greatest || *greatest < *least) {
      unbounded_ = true;
      return;
    }
    if (!least_ || *least < *least_) least_ = std::move(least);
    if (!greatest_ || *greatest_ < *greatest) greatest_ = std::move(greatest);
  }

  layout::ColumnStatistics finish() const {
    layout::ColumnStatistics out{field_.id, {}, {}};
    if (all_counted_) out.nulls = nulls_;
    if (unbounded_ || !least_) return out;
    if (field_.kind == FieldKind::text)
      out.bounds =
          layout::text_bounds(std::get<std::string>(*least_), std::get<std::string>(*greatest_));
    else
      out.bounds = Bounds{*least_, *greatest_, true};
    return out;
  }

 private:
  const Field& field_;
  TimestampUnit unit_;
  std::uint64_t nulls_ = 0;
  bool all_counted_ = true, unbounded_ = false;
  std::optional<BoundValue> least_, greatest_;
};

TimestampUnit unit_of(const SchemaElement& element) {
  if (element.type != kInt64 || element.is_utc == false) return TimestampUnit::other;
  if (element.converted_type == kTimestampMillis) return TimestampUnit::milliseconds;
  if (element.converted_type == kTimestampMicros) return TimestampUnit::microseconds;
  return TimestampUnit::other;
}

// What the schema says of instants and field ids.
void read_schema(layout::RowType type, const std::vector<SchemaElement>& schema,
                 layout::PartStatistics& into) {
  const auto paths = field_paths(schema);
  bool foreign = false, all = true;
  for (std::size_t i = 1; i < schema.size(); ++i) {
    const auto field = layout::find_field(type, paths[i]);
    const bool ours = field && schema[i].field_id == field->id;
    foreign |= schema[i].field_id && !ours;
    all &= !field || ours;
    if (!field || field->kind != FieldKind::instant) continue;
    const auto unit = unit_of(schema[i]);
    const bool mixed = into.timestamps != TimestampUnit::none && into.timestamps != unit;
    into.timestamps = mixed ? TimestampUnit::other : unit;
  }
  into.field_ids = all && !foreign;
  if (foreign) into.timestamps = TimestampUnit::other;
}

// Where row groups begin: ascending, or the file is a strange one that nobody may split.
class Beginnings {
 public:
  void add(const RowGroup& group) {
    if (group.chunks.empty()) return;
    const auto first = std::ranges::min(group.chunks, {}, &Chunk::begins).begins;
    sound_ &= first != std::numeric_limits<std::int64_t>::max() &&
              offsets_.size() < layout::kMostRowGroups &&
              (offsets_.empty() || static_cast<std::uint64_t>(first) > offsets_.back());
    if (sound_) offsets_.push_back(static_cast<std::uint64_t>(first));
  }
  std::vector<std::uint64_t> finish() {
    return sound_ ? std::move(offsets_) : std::vector<std::uint64_t>();
  }

 private:
  std::vector<std::uint64_t> offsets_;
  bool sound_ = true;
};

bool is_nested(FieldKind kind) {
  return kind == FieldKind::list || kind == FieldKind::record || kind == FieldKind::map;
}

}  // namespace

Result<layout::PartStatistics> read_part_statistics(layout::RowType type,
                                                    std::string_view file_metadata) {
  VALETKEY_TRY(const auto footer, parse_parquet_footer(file_metadata));
  layout::PartStatistics read;
  read.rows = footer.rows;
  read_schema(type, footer.schema, read);
  std::vector<Column> columns;
  for (const auto& field : layout::fields_of(type))
    if (field.is_column() && !is_nested(field.kind)) columns.emplace_back(field, read.timestamps);
  Beginnings beginnings;
  for_each_group(file_metadata, [&](const RowGroup& group) {
    beginnings.add(group);
    for (Column& column : columns) column.add(group);
  });
  read.row_groups = beginnings.finish();
  for (const Column& column : columns) read.columns.push_back(column.finish());
  std::ranges::sort(read.columns, {}, &layout::ColumnStatistics::id);
  return read;
}

Result<layout::PartStatistics> read_part_statistics(layout::RowType type, std::uint64_t size,
                                                    const ReadAt& read_at) {
  VALETKEY_TRY(const auto bytes, read_parquet_footer(size, read_at));
  return read_part_statistics(type, bytes);
}

Result<bool> has_only_known_columns(layout::RowType type, std::uint64_t size,
                                    const ReadAt& read_at) {
  VALETKEY_TRY(const auto bytes, read_parquet_footer(size, read_at));
  VALETKEY_TRY(const auto footer, parse_parquet_footer(bytes));
  const auto paths = field_paths(footer.schema);
  return std::ranges::all_of(paths, [&](const std::string& path) {
    return path.empty() || layout::find_field(type, path).has_value();
  });
}

}  // namespace valetkey::exporter
