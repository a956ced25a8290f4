// SPDX-License-Identifier: Apache-2.0
// Which part of an export a command is about, from the words that name it to prefixes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/timestamp.h"
#include "cli/context.h"
#include "terminal/time_words.h"

namespace valetkey::cli {

// Days as they were typed.
struct TypedDays {
  std::optional<terminal::Day> date, start, end;
  std::optional<std::chrono::days> last;  // instead of them: so many, today included
};

struct Selection {
  std::string type;              // "decisions", "events"; empty: both
  std::string date, start, end;  // dates
  std::string last;              // where `start` comes of it: "30d"
  std::string experiment, event;
  std::vector<std::string> prefixes;  // as typed: S3 paths, or below the account's folder
  std::vector<std::string> include, exclude;
  bool only_complete = false;

  // Dates of the days that were typed; `invalid` where they contradict each other.
  Result<void> set_days(const TypedDays& typed, Date today);
  // Puts names below the account's folder in the place of S3 paths; `denied` for another account's.
  Result<void> resolve_parts(const client::Grant& grant);
  // `invalid` for words that contradict each other.
  Result<void> check();
  // The part of it that looks at the days.
  Result<void> check_days() const;
  // The words that were given, as options: "--event purchase --date 2026-03-10".
  std::string text() const;
  // The prefix that the words name where no range is asked for, as far as it goes.
  std::vector<std::string> simple_prefixes() const;
  bool has_range() const { return !start.empty() || !end.empty(); }
  bool takes(const std::string& name) const;  // by include and exclude
  // Whether its type, days and names, or its parts, which are resolved, are those of the object.
  bool is_of(std::string_view name) const;
};

// Days from --start to --end that the export has, where a range is asked for, else the simple ones.
// With --experiment or --event also the folders of the day's overflow and of the name as it was
// escaped before, where there are any: rows of that name may lie there.
// `denied` for a path of another account.
Task<Result<std::vector<std::string>>> prefixes_of(Context& context, const Selection& selection);
// All selected objects, in order, without those of days that lack _SUCCESS where asked for.
Task<Result<std::vector<client::ListedObject>>> objects_of(
    Context& context, const Selection& selection, const std::vector<std::string>& prefixes);

// Whether the export has any object there, by prefix.
Task<Result<std::vector<bool>>> look_for(Context& context,
                                         const std::vector<std::string>& prefixes);

// "type=…/date=…/" of a name; empty where it has none.
std::string day_of(std::string_view name);

}  // namespace valetkey::cli
