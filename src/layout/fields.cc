// SPDX-License-Identifier: Apache-2.0
#include "layout/fields.h"

#include <algorithm>

namespace valetkey::layout {
namespace {

using enum FieldKind;

// No bounds for what identifies a person or is as good as unique: no engine prunes by it, and what was erased must not
// live on in statistics.
constexpr Field kDecisions[] = {
    {"uuid", 1, text},
    {"timestamp", 2, instant, true},
    {"process_timestamp", 3, instant, true},
    {"visitor_id", 4, text},
    {"session_id", 5, text},
    {"account_id", 6, text, true},
    {"campaign_id", 7, text, true},
    {"experiment_id", 8, text, true},
    {"variation_id", 9, text, true},
    {"attributes", 10, list},
    {"attributes.element", 101, record},
    {"attributes.element.id", 102, text},
    {"attributes.element.name", 103, text},
    {"attributes.element.type", 104, text},
    {"attributes.element.value", 105, text},
    {"user_ip", 11, text},
    {"user_agent", 12, text},
    {"referer", 13, text},
    {"is_holdback", 14, boolean, true},
    {"revision", 15, text, true},
    {"client_engine", 16, text, true},
    {"client_version", 17, text, true},
};

constexpr Field kEvents[] = {
    {"uuid", 1, text},
    {"timestamp", 2, instant, true},
    {"process_timestamp", 3, instant, true},
    {"visitor_id", 4, text},
    {"session_id", 5, text},
    {"account_id", 6, text, true},
    {"experiments", 7, list},
    {"experiments.element", 111, record},
    {"experiments.element.campaign_id", 112, text},
    {"experiments.element.experiment_id", 113, text},
    {"experiments.element.variation_id", 114, text},
    {"experiments.element.is_holdback", 115, boolean},
    {"entity_id", 8, text, true},
    {"attributes", 9, list},
    {"attributes.element", 101, record},
    {"attributes.element.id", 102, text},
    {"attributes.element.name", 103, text},
    {"attributes.element.type", 104, text},
    {"attributes.element.value", 105, text},
    {"user_ip", 10, text},
    {"user_agent", 11, text},
    {"referer", 12, text},
    {"event_type", 13, text, true},
    {"event_name", 14, text, true},
    {"revenue", 15, integer, true},
    {"value", 16, real, true},
    {"quantity", 17, integer, true},
    {"tags", 18, map},
    {"tags.key", 121, text},
    {"tags.value", 122, text},
    {"revision", 19, text, true},
    {"client_engine", 20, text, true},
    {"client_version", 21, text, true},
};

}  // namespace

std::span<const Field> fields_of(RowType type) {
  if (type == RowType::decisions) return kDecisions;
  return kEvents;
}

std::optional<Field> find_field(RowType type, std::string_view path) {
  const auto fields = fields_of(type);
  const auto it = std::ranges::find(fields, path, &Field::path);
  return it == fields.end() ? std::nullopt : std::optional(*it);
}

std::optional<Field> find_field(RowType type, std::int32_t id) {
  const auto fields = fields_of(type);
  const auto it = std::ranges::find(fields, id, &Field::id);
  return it == fields.end() ? std::nullopt : std::optional(*it);
}

std::string_view partition_column(RowType type) {
  return type == RowType::decisions ? "experiment_id" : "event_name";
}

}  // namespace valetkey::layout
