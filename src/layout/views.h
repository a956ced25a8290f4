// SPDX-License-Identifier: Apache-2.0
// The views that people ask in SQL, as DuckDB's statements: `decisions`, `events` and
// `attributed_conversions`, the same for `valetkey query` and for the browser, whose engine is older.
// Their columns are those of docs/formats.md, whatever a part has more or less of, and `date`, the
// day of the partition; docs/guide.md shows the SQL of attributed_conversions. Pure text.
#pragma once

#include <string>
#include <string_view>

#include "layout/partition.h"

namespace valetkey::layout {

enum class SqlEngine : std::uint8_t {
  native,   // DuckDB 1.5: parts lie in <folder>/<type>/<date>/, other-<n>.parquet among them
  browser,  // DuckDB 0.9: parts are addresses as in the export, .../date=<date>/experiment=.../
};

struct ViewOf {
  RowType type = RowType::decisions;
  std::string parts;  // what read_parquet() reads, as SQL; empty: there is no part
  // Of parts where names lie together only rows of this experiment or event; "": all.
  std::string only;
};
std::string type_view(const ViewOf& view, SqlEngine engine);
std::string_view attributed_view();

}  // namespace valetkey::layout
