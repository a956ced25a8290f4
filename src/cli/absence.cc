// SPDX-License-Identifier: Apache-2.0
#include "cli/absence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/encoding.h"
#include "cli/export_path.h"
#include "client/bounded.h"
#include "http/co_try.h"
#include "layout/part_key.h"
#include "terminal/nearest.h"

namespace valetkey::cli {
namespace {

using layout::DayFolder;
using layout::RowType;
using Names = std::vector<std::string>;
using Dates = std::vector<Date>;  // in order, as they are listed

constexpr std::size_t kNewestDays = 31;  // that are looked through for a name
constexpr std::size_t kListings = 8;     // at once
constexpr std::size_t kNamed = 5;        // of many names

// What lies directly below a folder ("type=events/"; empty: the account's), without its name;
// folders end in '/'.
Task<Result<Names>> children(Context& context, std::string folder) {
  client::ListQuery query;
  query.prefix = folder;
  query.delimiter = "/";
  VALETKEY_CO_TRY(auto page, co_await context.data().list(query));
  Names found;
  for (const std::string& each : page.common_prefixes) found.push_back(each.substr(folder.size()));
  for (const auto& each : page.objects)
    if (each.key.size() > folder.size()) found.push_back(each.key.substr(folder.size()));
  co_return found;
}

std::string span_text(const Dates& dates) {
  if (dates.size() == 1) return "on " + format_date(dates.front());
  return fmt::format("from {} to {}", format_date(dates.front()), format_date(dates.back()));
}

using DatesOfTypes = std::map<RowType, Dates>;

// "decisions and events from 2026-01-01 to 2026-03-10".
std::string days_text(const DatesOfTypes& dates) {
  std::string all;
  for (auto at = dates.begin(); at != dates.end(); ++at) {
    const auto next = std::next(at);
    const bool same = next != dates.end() && span_text(next->second) == span_text(at->second);
    all += fmt::format("{}{}{}{}", all.empty() ? "" : " and ", layout::name_of(at->first),
                       same ? "" : " ", same ? "" : span_text(at->second));
  }
  return all;
}

Task<Result<void>> dates_of(Context& context, RowType type, DatesOfTypes& into) {
  const std::string folder = layout::type_folder(type);
  VALETKEY_CO_TRY(auto names, co_await children(context, folder));
  for (const std::string& name : names)
    if (const auto day = DayFolder::containing(folder + name)) into[type].push_back(day->day);
  co_return Result<void>{};
}

// Experiments or event names, each with the days that have it.
using Days = std::map<std::string, Dates>;

Task<Result<Days>> names_of(Context& context, RowType type, Dates dates) {
  dates.erase(dates.begin(),
              dates.end() - static_cast<std::ptrdiff_t>(std::min(dates.size(), kNewestDays)));
  std::vector<Names> found(dates.size());
  VALETKEY_CO_CHECK(co_await client::run_bounded(
      context.loop(), dates.size(), kListings, [&](std::size_t i) -> Task<Result<void>> {
        VALETKEY_CO_TRY(found[i], co_await children(context, DayFolder{type, dates[i]}.str()));
        co_return Result<void>{};
      }));
  Days days;
  for (std::size_t i = 0; i < dates.size(); ++i) {
    for (std::string name : found[i]) {
      if (!name.ends_with('/')) continue;
      name.pop_back();
      auto value = percent_decode(name.substr(std::min(name.find('=') + 1, name.size())));
      if (value && *value != layout::kOtherPartition && *value != layout::kDefaultPartition)
        days[*value].push_back(dates[i]);
    }
  }
  co_return days;
}

std::string names_text(const Days& days) {
  std::string all;
  std::size_t count = 0;
  for (const auto& [name, dates] : days)
    if (++count <= kNamed) all += (all.empty() ? "" : ", ") + name;
  return count <= kNamed ? all : fmt::format("{} and {} more", all, count - kNamed);
}

// What is said of a name that was asked for.
std::string name_text(const Selection& asked, const Days& days) {
  const bool event = !asked.event.empty();
  const std::string& name = event ? asked.event : asked.experiment;
  if (const auto same = days.find(name); same != days.end())
    return fmt::format("{} {} is there {}", event ? "event" : "experiment", name,
                       span_text(same->second));
  Names all;
  for (const auto& [each, dates] : days) all.push_back(each);
  const std::string meant = terminal::nearest(name, all);
  if (!meant.empty()) return fmt::format("did you mean {}?", meant);
  if (all.empty()) return "";
  return fmt::format("its {} are {}", event ? "events" : "experiments", names_text(days));
}

// Which of the names was meant: "type=events/" by "evnts" or "type=evens"; empty: none.
std::string meant_by(const std::string& word, const Names& names) {
  Names whole, values;
  for (const std::string& name : names) {
    whole.push_back(name.ends_with('/') ? name.substr(0, name.size() - 1) : name);
    values.push_back(whole.back().substr(std::min(name.find('=') + 1, whole.back().size())));
  }
  for (const Names& candidates : {whole, values}) {
    const auto found = std::ranges::find(candidates, terminal::nearest(word, candidates));
    if (found != candidates.end() && !found->empty())
      return names[static_cast<std::size_t>(found - candidates.begin())];
  }
  return "";
}

// Where its last folder that there is ends, and what was meant by the rest.
Task<Result<std::string>> part_text(Context& context, std::string wanted) {
  if (wanted.ends_with('/')) wanted.pop_back();
  for (;;) {
    const auto slash = wanted.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : wanted.substr(0, slash + 1);
    VALETKEY_CO_TRY(const Names there, co_await children(context, folder));
    if (!there.empty()) {
      const std::string rest = wanted.substr(folder.size());
      const std::string meant = rest.starts_with(layout::kDateFolder) ? "" : meant_by(rest, there);
      if (!meant.empty()) co_return fmt::format("did you mean {}{}?", folder, meant);
      const std::string between = there.size() == 1 ? "" : " to " + there.back();
      co_return fmt::format("{} has {}{}", folder.empty() ? "the export" : folder, there.front(),
                            between);
    }
    if (folder.empty()) co_return "the export has no data yet";
    wanted = wanted.substr(0, slash);
  }
}

std::unexpected<Error> absent(const std::string& what, const std::string& instead) {
  return fail(ErrorCode::not_found,
              fmt::format("nothing matches {}{}{}", what.empty() ? "the selection" : what,
                          instead.empty() ? "" : ": ", instead));
}

// What --include, --exclude or --only-complete leave out; empty: there is nothing to leave out.
Task<Result<std::string>> left_out(Context& context, Selection selection) {
  if (!selection.only_complete && selection.include.empty() && selection.exclude.empty())
    co_return "";
  const bool patterns = !selection.include.empty() || !selection.exclude.empty();
  selection.only_complete = false;
  selection.include.clear();
  selection.exclude.clear();
  VALETKEY_CO_TRY(auto prefixes, co_await prefixes_of(context, selection));
  VALETKEY_CO_TRY(auto objects, co_await objects_of(context, selection, prefixes));
  if (objects.empty()) co_return "";
  co_return fmt::format("{} object{} {} selected, and {} leaves none of them", objects.size(),
                        objects.size() == 1 ? "" : "s", objects.size() == 1 ? "is" : "are",
                        patterns ? "--include, --exclude or --only-complete" : "--only-complete");
}

Task<Result<std::string>> instead_of(Context& context, const Selection& selection) {
  if (!selection.prefixes.empty()) {
    VALETKEY_CO_TRY(auto grant, co_await context.session().get());
    VALETKEY_CO_TRY(auto name, name_in_export(*grant, selection.prefixes.front()));
    co_return co_await part_text(context, name);
  }
  DatesOfTypes dates;
  for (const RowType type : {RowType::decisions, RowType::events}) {
    VALETKEY_CO_CHECK(co_await dates_of(context, type, dates));
  }
  if (dates.empty()) co_return "the export has no data yet";
  std::string text = "the export has " + days_text(dates);
  const bool named = !selection.event.empty() || !selection.experiment.empty();
  const auto type = layout::parse_row_type(selection.type);
  if (named && type && dates.contains(*type)) {
    VALETKEY_CO_TRY(auto days, co_await names_of(context, *type, dates[*type]));
    if (const std::string name = name_text(selection, days); !name.empty()) text += "; " + name;
  }
  co_return text;
}

}  // namespace

Task<Result<void>> nothing_matches(Context& context, Selection selection) {
  auto instead = co_await left_out(context, selection);
  if (instead && instead->empty()) instead = co_await instead_of(context, selection);
  co_return absent(selection.text(), instead.value_or(""));
}

Task<Result<void>> no_such_object(Context& context, std::string name) {
  if (!name.empty() && !name.ends_with('/')) {
    VALETKEY_CO_TRY(auto folder, co_await look_for(context, {name + "/"}));
    if (folder.front()) name += '/';
  }
  if (name.empty() || name.ends_with('/')) {
    VALETKEY_CO_TRY(auto folder, co_await look_for(context, {name}));
    if (folder.front())
      co_return fail(ErrorCode::not_found,
                     fmt::format("{} is a folder: name one object of it, as `valetkey ls -r {}` "
                                 "lists them",
                                 name, name));
  }
  const auto instead = co_await part_text(context, name);
  co_return absent(name, instead.value_or(""));
}

}  // namespace valetkey::cli
