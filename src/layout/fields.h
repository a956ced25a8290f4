// SPDX-License-Identifier: Apache-2.0
// The columns of both row types and all that is nested in them, with the field ids that parts carry. An id never
// changes its meaning: a new column gets a new one. Pure.
// Source: docs/formats.md, "Decisions and conversions".
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "layout/partition.h"

namespace valetkey::layout {

enum class FieldKind : std::uint8_t { text, boolean, integer, real, instant, list, record, map };

struct Field {
  // "attributes", "attributes.element", "attributes.element.id"; "tags", "tags.key", "tags.value"
  std::string_view path;
  std::int32_t id = 0;
  FieldKind kind = FieldKind::text;
  bool bounds = false;  // statistics name the least and the greatest value
  bool is_column() const { return path.find('.') == std::string_view::npos; }
};

// In the order of the files, what is nested behind what holds it. All are optional but tags.key.
std::span<const Field> fields_of(RowType type);
std::optional<Field> find_field(RowType type, std::string_view path);
std::optional<Field> find_field(RowType type, std::int32_t id);

// The column that partitions: experiment_id, event_name.
std::string_view partition_column(RowType type);

}  // namespace valetkey::layout
