// SPDX-License-Identifier: Apache-2.0
// What a Delta Sharing client asks for in the body of a query. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tables/call.h"
#include "tables/page_token.h"
#include "tables/predicate.h"

namespace valetkey::tables {

struct SharingQuery {
  std::vector<Predicate> predicates;       // all of which must hold
  std::optional<std::uint64_t> limit;      // rows that are enough
  std::optional<std::uint64_t> max_files;  // asks for pages
  std::optional<std::uint64_t> version;    // of the table
  bool wants_refresh_token = false;
  std::optional<PageToken> from;  // where it goes on, or what it repeats
  std::uint64_t digest = 0;       // of what was asked, which pages must not change

  bool may_hold(const Hinted& part) const;
  // 400 with a sentence that names the field.
  static Answer<SharingQuery> parse(std::string_view body);
};

}  // namespace valetkey::tables
