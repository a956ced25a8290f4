// SPDX-License-Identifier: Apache-2.0
// What a query sees: the SQL of the views over a snapshot of the selected parts. Pure text.
// The columns are those of docs/formats.md, whatever a part has more or less of, and `date`, the
// day of the partition; docs/guide.md shows the SQL of attributed_conversions.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace valetkey::cli {

// Which types the SQL may speak of, by its words: all where it names no view.
struct QueryNeeds {
  bool decisions = true, events = true;
};
QueryNeeds needs_of(std::string_view sql);

// Which of the types a snapshot holds parts of, below its folder: decisions/<date>/<n>.parquet,
// events/<date>/<n>.parquet. Of other-<n>.parquet, where names lie together, only rows of the
// experiment or event are seen that is asked for ("": of all). Without parts a view has its columns
// and no row. A type that is not needed was not looked for, and has no view: an empty one would say
// that it has no rows.
struct QueryData {
  std::filesystem::path folder;
  bool decisions = false, events = false;
  QueryNeeds needs = {};
  std::string experiment = {}, event = {};
};

// The statements that make `decisions`, `events` and `attributed_conversions`, in order; run again
// they replace the views.
std::vector<std::string> view_statements(const QueryData& data);

}  // namespace valetkey::cli
