// SPDX-License-Identifier: Apache-2.0
// Where a query of Delta Sharing goes on, or what it is asked for again: of which snapshot, behind which part. Its
// holder may know all of it, and could make one himself; it opens nothing. Pure. docs/formats.md, "Sharing token".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace valetkey::tables {

struct PageToken {
  std::uint64_t version = 0;     // of the table
  std::uint64_t generation = 0;  // to list as of
  std::uint64_t query = 0;       // a digest of what was asked
  std::string after;             // key of a part; empty: from the first
  friend bool operator==(const PageToken&, const PageToken&) = default;
};

std::string encode(const PageToken& token);
std::optional<PageToken> decode_page_token(std::string_view text);

}  // namespace valetkey::tables
