// SPDX-License-Identifier: Apache-2.0
#include "tables/schema.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>

namespace valetkey::tables {
namespace {

namespace json = boost::json;
using layout::Field;
using layout::FieldKind;
using layout::RowType;

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('.') + 1); }

std::string_view iceberg_name(FieldKind kind) {
  switch (kind) {
    case FieldKind::integer:
      return "long";
    case FieldKind::real:
      return "double";
    case FieldKind::boolean:
      return "boolean";
    case FieldKind::instant:
      return "timestamptz";
    default:
      return "string";
  }
}

std::string_view spark_name(FieldKind kind) {
  return kind == FieldKind::instant ? "timestamp" : iceberg_name(kind);
}

// Walks the flat list of fields as the tree that its paths say.
class Describer {
 public:
  explicit Describer(RowType type) : fields_(layout::fields_of(type)) {}

  json::array iceberg(std::string_view within) const {
    json::array out;
    for (const Field& field : fields_)
      if (lies_in(field, within))
        out.push_back(json::object{{"id", field.id},
                                   {"name", last_name(field.path)},
                                   {"required", false},
                                   {"type", iceberg_type(field)}});
    return out;
  }

  json::array mapping(std::string_view within) const {
    json::array out;
    for (const Field& field : fields_) {
      if (!lies_in(field, within)) continue;
      json::object mapped{{"field-id", field.id}, {"names", json::array{last_name(field.path)}}};
      if (json::array inner = mapping(field.path); !inner.empty())
        mapped["fields"] = std::move(inner);
      out.push_back(std::move(mapped));
    }
    return out;
  }

  json::object spark(std::string_view within) const {
    json::array out;
    if (within.empty()) out.push_back(spark_field("date", "date"));
    for (const Field& field : fields_)
      if (lies_in(field, within))
        out.push_back(spark_field(last_name(field.path), spark_type(field)));
    return {{"type", "struct"}, {"fields", std::move(out)}};
  }

 private:
  // Directly; "": a column.
  static bool lies_in(const Field& field, std::string_view within) {
    if (within.empty()) return field.is_column();
    const auto dot = field.path.rfind('.');
    return dot != std::string_view::npos && field.path.substr(0, dot) == within;
  }
  const Field& child(const Field& of, std::string_view name) const {
    return *std::ranges::find_if(fields_, [&](const Field& field) {
      return lies_in(field, of.path) && last_name(field.path) == name;
    });
  }

  json::value iceberg_type(const Field& field) const {
    if (field.kind == FieldKind::record)
      return json::object{{"type", "struct"}, {"fields", iceberg(field.path)}};
    if (field.kind == FieldKind::list) {
      const Field& element = child(field, "element");
      return json::object{{"type", "list"},
                          {"element-id", element.id},
                          {"element", iceberg_type(element)},
                          {"element-required", false}};
    }
    if (field.kind == FieldKind::map)
      return json::object{{"type", "map"},
                          {"key-id", child(field, "key").id},
                          {"key", iceberg_type(child(field, "key"))},
                          {"value-id", child(field, "value").id},
                          {"value", iceberg_type(child(field, "value"))},
                          {"value-required", false}};
    return json::value(iceberg_name(field.kind));
  }

  static json::object spark_field(std::string_view name, json::value type) {
    return {{"name", name},
            {"type", std::move(type)},
            {"nullable", true},
            {"metadata", json::object()}};
  }

  json::value spark_type(const Field& field) const {
    if (field.kind == FieldKind::record) return spark(field.path);
    if (field.kind == FieldKind::list)
      return json::object{{"type", "array"},
                          {"elementType", spark_type(child(field, "element"))},
                          {"containsNull", true}};
    if (field.kind == FieldKind::map)
      return json::object{{"type", "map"},
                          {"keyType", spark_type(child(field, "key"))},
                          {"valueType", spark_type(child(field, "value"))},
                          {"valueContainsNull", true}};
    return json::value(spark_name(field.kind));
  }

  std::span<const Field> fields_;
};

TableSchema make_schema(RowType type) {
  const Describer describer(type);
  TableSchema made;
  made.type = type;
  made.iceberg = json::serialize(
      json::object{{"type", "struct"}, {"schema-id", 0}, {"fields", describer.iceberg({})}});
  made.name_mapping = json::serialize(describer.mapping({}));
  made.spark = json::serialize(describer.spark({}));
  made.last_id = std::ranges::max(layout::fields_of(type), {}, &Field::id).id;
  made.time_id = layout::find_field(type, "process_timestamp")->id;
  made.split_id = layout::find_field(type, layout::partition_column(type))->id;
  return made;
}

// The day of all rows, since 1970; nothing where they have several, or NULLs.
std::optional<std::int32_t> shared_day(int time_id, const layout::PartStatistics& part) {
  const auto* column = part.column(time_id);
  if (column == nullptr || column->nulls != 0U || !column->bounds) return std::nullopt;
  const auto* lower = std::get_if<std::int64_t>(&column->bounds->lower);
  const auto* upper = std::get_if<std::int64_t>(&column->bounds->upper);
  if (lower == nullptr || upper == nullptr) return std::nullopt;
  using Instant = std::chrono::sys_time<std::chrono::microseconds>;
  const auto day = [](std::int64_t at) {
    return std::chrono::floor<std::chrono::days>(Instant(std::chrono::microseconds(at)));
  };
  if (day(*lower) != day(*upper)) return std::nullopt;
  return static_cast<std::int32_t>(day(*lower).time_since_epoch().count());
}

// Whether all rows have one value in the column that splits a day, and which: none is NULL.
bool shares_split(int split_id, const layout::PartStatistics& part,
                  std::optional<std::string>& split) {
  const auto* column = part.column(split_id);
  if (column == nullptr || !column->nulls) return false;
  if (*column->nulls == part.rows) return true;
  if (*column->nulls != 0 || !column->bounds || !column->bounds->exact) return false;
  const auto* value = std::get_if<std::string>(&column->bounds->lower);
  if (value == nullptr || column->bounds->upper != column->bounds->lower) return false;
  split = *value;
  return true;
}

}  // namespace

std::string TableSchema::spec_fields(int spec) const {
  json::array fields;
  if (spec < 2)
    fields.push_back(json::object{{"source-id", time_id},
                                  {"field-id", 1000},
                                  {"name", "process_timestamp_day"},
                                  {"transform", "day"}});
  if (spec < 1)
    fields.push_back(json::object{{"source-id", split_id},
                                  {"field-id", 1001},
                                  {"name", layout::partition_column(type)},
                                  {"transform", "identity"}});
  return json::serialize(fields);
}

const TableSchema& schema_of(RowType type) {
  static const TableSchema kSchemas[] = {make_schema(RowType::decisions),
                                         make_schema(RowType::events)};
  return kSchemas[type == RowType::decisions ? 0 : 1];
}

PartitionValues partition_of(RowType type, const layout::PartStatistics& part) {
  PartitionValues values;
  const TableSchema& schema = schema_of(type);
  const auto day = shared_day(schema.time_id, part);
  if (!day) return values;
  values.day = *day;
  values.spec = shares_split(schema.split_id, part, values.split) ? 0 : 1;
  return values;
}

}  // namespace valetkey::tables
