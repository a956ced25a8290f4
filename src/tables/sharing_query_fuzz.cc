// SPDX-License-Identifier: Apache-2.0
// The body of a query from a stranger's client, and what its predicates make of a part.
#include <cstdint>
#include <cstdlib>

#include "tables/internal/sharing_query.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  using namespace valetkey::tables;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  layout::PartStatistics part;
  part.rows = 10;
  part.columns = {{14, 0, layout::Bounds{std::string("click"), std::string("purchase")}},
                  {15, 4, layout::Bounds{std::int64_t{5}, std::int64_t{100}}}};
  const Hinted hinted{layout::RowType::events, Date(std::chrono::days(18519)), &part};
  if (const auto query = SharingQuery::parse(text)) {
    (void)query->may_hold(hinted);
    if (query->from && decode_page_token(encode(*query->from)) != query->from) std::abort();
  }
  if (const auto predicate = Predicate::parse(text)) (void)predicate->may_hold(hinted);
  (void)Predicate::parse_sql(text).may_hold(hinted);
  if (const auto token = decode_page_token(text); token && encode(*token) != text) std::abort();
  return 0;
}
