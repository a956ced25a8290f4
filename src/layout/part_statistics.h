// SPDX-License-Identifier: Apache-2.0
// What is known of the rows of a part without reading them: how many, which bounds and how many NULLs each column has,
// where its row groups begin. Kept in the index beside the part, in the bytes of encode(). Pure.
// Bytes: docs/formats.md, "Part statistics".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace valetkey::layout {

// Of the columns that are instants, in the file. Bounds are always microseconds.
enum class TimestampUnit : std::uint8_t {
  none,          // the file has no such column
  milliseconds,  // INT64, TIMESTAMP_MILLIS: part format 1, and what Spark is told to write
  microseconds,  // INT64, TIMESTAMP_MICROS: part format 2
  other,         // INT96, nanoseconds, a local time, or several of these
};

// Instants are microseconds since 1970 UTC. A real is never NaN.
using BoundValue = std::variant<bool, std::int64_t, double, std::string>;

struct Bounds {
  BoundValue lower, upper;  // of one type, lower <= upper
  // They are values of the column. If not, a long text was cut: `lower` is at most the least, `upper` at least the
  // greatest value.
  bool exact = true;
  friend bool operator==(const Bounds&, const Bounds&) = default;
};

struct ColumnStatistics {
  std::int32_t id = 0;                 // layout/fields.h
  std::optional<std::uint64_t> nulls;  // none: the file does not say
  std::optional<Bounds> bounds;        // none: all are NULL, not kept of this column, or not known
  friend bool operator==(const ColumnStatistics&, const ColumnStatistics&) = default;
};

struct PartStatistics {
  std::uint64_t rows = 0;
  TimestampUnit timestamps = TimestampUnit::none;
  bool field_ids = false;                 // the file carries those of layout/fields.h
  std::vector<std::uint64_t> row_groups;  // where each begins in the file, ascending
  std::vector<ColumnStatistics>
      columns;  // by ascending id; those at the top that are no list, record or map

  const ColumnStatistics* column(std::int32_t id) const;  // null: nothing is known
  friend bool operator==(const PartStatistics&, const PartStatistics&) = default;
};

// One value of PartStatistics has one form. Of a text longer than this that is not both bounds, only the beginning.
inline constexpr std::size_t kCutBound = 32;
inline constexpr std::size_t kLongestBound = 1024;
// Bounds of texts as they are kept; none if no upper bound can be made of the beginning.
std::optional<Bounds> text_bounds(std::string_view least, std::string_view greatest);
// The least text of as many characters that is greater than all that begin with `text`, which is UTF-8; none: there is
// none.
std::optional<std::string> raised(std::string_view text);

inline constexpr std::size_t kMostRowGroups = 100'000;

std::string encode(const PartStatistics& statistics);
// `corrupt`: not what encode() makes, or of a newer version.
Result<PartStatistics> decode_part_statistics(std::string_view bytes);

}  // namespace valetkey::layout
