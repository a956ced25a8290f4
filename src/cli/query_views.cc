// SPDX-License-Identifier: Apache-2.0
#include "cli/query_views.h"

#include "base/text.h"
#include "layout/views.h"

namespace valetkey::cli {

std::vector<std::string> view_statements(const QueryData& data) {
  using layout::RowType;
  const auto view = [&data](RowType type, bool needed, bool any, const std::string& only) {
    const std::string name(layout::name_of(type));
    if (!needed) return "DROP VIEW IF EXISTS " + name;
    const std::string parts = (data.folder / name / "*" / "*.parquet").string();
    return layout::type_view({type, any ? sql_text(parts) : "", only}, layout::SqlEngine::native);
  };
  return {view(RowType::decisions, data.needs.decisions, data.decisions, data.experiment),
          view(RowType::events, data.needs.events, data.events, data.event),
          data.needs.decisions && data.needs.events ? std::string(layout::attributed_view())
                                                    : "DROP VIEW IF EXISTS attributed_conversions"};
}

QueryNeeds needs_of(std::string_view sql) {
  const std::string words = lowered(sql);
  const auto names = [&words](const char* view) { return words.find(view) != std::string::npos; };
  const bool both = names("attributed_conversions");
  const QueryNeeds needs{both || names("decisions"), both || names("events")};
  return needs.decisions || needs.events ? needs : QueryNeeds{};
}

}  // namespace valetkey::cli
