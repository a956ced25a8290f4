// SPDX-License-Identifier: Apache-2.0
// The hints of a Delta Sharing client: which rows it needs. They only leave out parts that hold none of them; what is
// not understood leaves out nothing. Pure.
// Source: https://github.com/delta-io/delta-sharing/blob/main/PROTOCOL.md#json-predicates-for-filtering
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/timestamp.h"
#include "layout/fields.h"
#include "layout/part_statistics.h"

namespace valetkey::tables {

// What is known of a part: its day, and perhaps of its columns.
struct Hinted {
  layout::RowType type = layout::RowType::decisions;
  Date day;
  const layout::PartStatistics* statistics = nullptr;
};

class Predicate {
 public:
  // Of jsonPredicateHints. Nothing: this is no JSON object, or too large.
  static std::optional<Predicate> parse(std::string_view text);
  // Of one of predicateHints: date = '2020-09-14' and the like.
  static Predicate parse_sql(std::string_view text);
  bool may_hold(const Hinted& part) const;

  struct Node;

 private:
  explicit Predicate(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;  // shared by copies; null: holds of everything
};

inline constexpr std::size_t kMaxPredicateBytes = 16 * 1024;
inline constexpr std::size_t kMaxPredicateDepth = 64;  // of JSON
inline constexpr std::size_t kMaxPredicateNodes = 1'000;

}  // namespace valetkey::tables
