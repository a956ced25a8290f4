// SPDX-License-Identifier: Apache-2.0
// Which part of an export a command is about, from the words that name it to prefixes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/timestamp.h"
#include "cli/context.h"

namespace valetkey::cli {

struct Selection {
  std::string type;  // "decisions", "events"; empty: both
  std::string date, start, end;
  std::string experiment, event;
  std::vector<std::string> prefixes;  // as typed, relative to the account's folder
  std::vector<std::string> include, exclude;
  bool only_complete = false;

  // `invalid` for words that contradict each other or are no dates.
  Result<void> check();
  // The part of it that looks at the days.
  Result<void> check_days() const;
  // The prefix that the words name where no range is asked for, as far as it goes.
  std::vector<std::string> simple_prefixes() const;
  bool has_range() const { return !start.empty() || !end.empty(); }
  bool takes(const std::string& name) const;  // by include and exclude
};

// Days from --start to --end that the export has, where a range is asked for, else the simple ones.
// With --experiment or --event also the folders of the day's overflow and of the name as it was
// escaped before, where there are any: rows of that name may lie there.
Task<Result<std::vector<std::string>>> prefixes_of(client::Export& data,
                                                   const Selection& selection);
// All selected objects, in order, without those of days that lack _SUCCESS where asked for.
Task<Result<std::vector<client::ListedObject>>> objects_of(
    client::Export& data, const Selection& selection, const std::vector<std::string>& prefixes);

// "type=…/date=…/" of a name; empty where it has none.
std::string day_of(std::string_view name);

}  // namespace valetkey::cli
