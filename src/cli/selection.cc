// SPDX-License-Identifier: Apache-2.0
#include "cli/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "cli/export_path.h"
#include "client/bounded.h"
#include "http/co_try.h"
#include "layout/part_key.h"

namespace valetkey::cli {
namespace {

using layout::RowType;

bool matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::ranges::any_of(patterns, [&name](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

// The date of a name that lies in a day's folder; empty: it does not.
std::string date_in(std::string_view name) {
  const auto day = layout::DayFolder::containing(name);
  return day ? format_date(day->day) : "";
}

// "event=<value>/".
std::string partition_folder(RowType type, std::string_view value) {
  return fmt::format("{}={}/", layout::partition_name(type), value);
}

std::string partition(const Selection& selection) {
  if (!selection.experiment.empty())
    return partition_folder(RowType::decisions, layout::partition_value(selection.experiment));
  if (!selection.event.empty())
    return partition_folder(RowType::events, layout::partition_value(selection.event));
  return "";
}

// The folders beside partition() where rows of a name may lie, too: those that came beyond the
// day's limit of names, and those of a server that escaped less. None where no name is asked for.
std::vector<std::string> other_partitions(const Selection& selection) {
  const std::string& name = selection.experiment.empty() ? selection.event : selection.experiment;
  if (name.empty() || name == layout::kOtherPartition) return {};
  const RowType type = selection.experiment.empty() ? RowType::events : RowType::decisions;
  std::vector<std::string> others{partition_folder(type, layout::kOtherPartition)};
  const std::string former = layout::former_partition_value(name);
  if (former != layout::partition_value(name)) others.push_back(partition_folder(type, former));
  return others;
}

std::string date_text(const std::optional<terminal::Day>& day, Date today) {
  return day ? format_date(day->on(today)) : "";
}

std::vector<RowType> types_of(const Selection& selection) {
  if (selection.type.empty()) return {RowType::decisions, RowType::events};
  const auto type = layout::parse_row_type(selection.type);
  return type ? std::vector{*type} : std::vector<RowType>{};
}

// A prefix is one of the others, or lies below one: it would be listed twice.
std::vector<std::string> without_nested(std::vector<std::string> prefixes) {
  std::ranges::sort(prefixes);
  std::vector<std::string> kept;
  for (std::string& prefix : prefixes)
    if (kept.empty() || !prefix.starts_with(kept.back())) kept.push_back(std::move(prefix));
  return kept;
}

}  // namespace

std::string day_of(std::string_view name) {
  const auto day = layout::DayFolder::containing(name);
  return day ? day->str() : "";
}

Result<void> Selection::set_days(const TypedDays& typed, Date today) {
  date = date_text(typed.date, today);
  start = date_text(typed.start, today);
  end = date_text(typed.end, today);
  if (!typed.last) return check_days();
  if (!date.empty() || has_range())
    return fail(ErrorCode::invalid, "--last does not go with --date, --start and --end");
  last = format_duration(*typed.last);
  start = format_date(today - (*typed.last - std::chrono::days(1)));
  return {};
}

Result<void> Selection::resolve_parts(const client::Grant& grant) {
  for (std::string& part : prefixes) {
    VALETKEY_TRY(part, name_in_export(grant, part));
  }
  return {};
}

Result<void> Selection::check_days() const {
  if (!date.empty() && has_range())
    return fail(ErrorCode::invalid, "--date does not go with --start and --end");
  if (!start.empty() && !end.empty() && start > end)
    return fail(ErrorCode::invalid, "--start is after --end");
  return {};
}

Result<void> Selection::check() {
  VALETKEY_CHECK(check_days());
  if (!experiment.empty() && !event.empty())
    return fail(ErrorCode::invalid, "--experiment selects decisions and --event events: give one");
  if ((!experiment.empty() && type == "events") || (!event.empty() && type == "decisions"))
    return fail(ErrorCode::invalid, "--experiment goes with decisions, --event with events");
  if (!experiment.empty()) type = "decisions";
  if (!event.empty()) type = "events";
  const bool words = !type.empty() || !date.empty() || has_range();
  if (!prefixes.empty() && words)
    return fail(ErrorCode::invalid, "give a prefix, or --type, --date and the like, not both");
  for (const std::string& prefix : prefixes) VALETKEY_CHECK(check_part(prefix));
  return {};
}

std::string Selection::text() const {
  if (!prefixes.empty()) return fmt::to_string(fmt::join(prefixes, " "));
  std::string all;
  const auto add = [&all](const char* option, const std::string& value) {
    if (!value.empty()) all += fmt::format("{}{} {}", all.empty() ? "" : " ", option, value);
  };
  // Said by --experiment and --event already.
  if (experiment.empty() && event.empty()) add("--type", type);
  add("--experiment", experiment);
  add("--event", event);
  add("--date", date);
  add(last.empty() ? "--start" : "--last", last.empty() ? start : last);
  add("--end", end);
  return all;
}

std::vector<std::string> Selection::simple_prefixes() const {
  if (!prefixes.empty()) return without_nested(prefixes);
  if (type.empty() && date.empty()) return {""};
  std::vector<std::string> found;
  for (const RowType each : types_of(*this)) {
    std::string prefix = layout::type_folder(each);
    if (!date.empty())
      prefix += fmt::format("{}{}/{}", layout::kDateFolder, date, partition(*this));
    found.push_back(std::move(prefix));
  }
  return found;
}

bool Selection::takes(const std::string& name) const {
  return (include.empty() || matches(include, name)) && !matches(exclude, name);
}

bool Selection::is_of(std::string_view name) const {
  if (!type.empty() && !name.starts_with(fmt::format("{}{}/", layout::kTypeFolder, type)))
    return false;
  if (!prefixes.empty())
    return std::ranges::any_of(prefixes,
                               [name](const std::string& part) { return name.starts_with(part); });
  const std::string day = day_of(name);
  const std::string of_day = date_in(day);
  if (day.empty() || (!date.empty() && of_day != date) || (!start.empty() && of_day < start) ||
      (!end.empty() && of_day > end))
    return false;
  const std::string_view rest = name.substr(day.size());
  return rest.starts_with(partition(*this)) ||
         std::ranges::any_of(other_partitions(*this),
                             [rest](const std::string& other) { return rest.starts_with(other); });
}

namespace {

constexpr std::size_t kListings = 8;  // at once

// The first name that begins so; empty: there is none.
Task<Result<void>> look_below(Context& context, const std::string& prefix, std::string& first) {
  client::ListQuery query;
  query.prefix = prefix;
  query.max_keys = 1;
  VALETKEY_CO_TRY(auto page, co_await context.data().first_page(query));
  first = page.objects.empty() ? "" : page.objects.front().key;
  co_return Result<void>{};
}

Task<Result<std::vector<std::string>>> partitions_of(Context& context, const Selection& selection) {
  // A partition without a date is in every day.
  if (!selection.has_range() && (!selection.date.empty() || partition(selection).empty()))
    co_return selection.simple_prefixes();
  std::vector<std::string> found;
  for (const RowType type : types_of(selection)) {
    client::ListQuery query;
    query.prefix = layout::type_folder(type);
    query.delimiter = "/";
    VALETKEY_CO_TRY(auto days, co_await context.data().list(query));
    for (const std::string& day : days.common_prefixes) {
      const std::string date = date_in(day);
      if (date.empty() || (!selection.start.empty() && date < selection.start) ||
          (!selection.end.empty() && date > selection.end))
        continue;
      found.push_back(day + partition(selection));
    }
  }
  co_return found;
}

}  // namespace

Task<Result<std::vector<bool>>> look_for(Context& context,
                                         const std::vector<std::string>& prefixes) {
  std::vector<std::string> first(prefixes.size());
  VALETKEY_CO_CHECK(co_await client::run_bounded(
      context.loop(), prefixes.size(), kListings,
      [&](std::size_t i) { return look_below(context, prefixes[i], first[i]); }));
  std::vector<bool> there;
  for (const std::string& name : first) there.push_back(!name.empty());
  co_return there;
}

namespace {

// What of these a limited token opens; `denied` where that is nothing.
Result<std::vector<std::string>> opened_of(const client::Grant& grant,
                                           const std::vector<std::string>& prefixes) {
  std::vector<std::string> opened;
  for (const std::string& prefix : prefixes)
    for (std::string& each : grant.opened_of(prefix)) opened.push_back(std::move(each));
  if (!opened.empty() || prefixes.empty()) return opened;
  return fail(ErrorCode::denied, fmt::format("the token opens only {} of {}, and not {}",
                                             fmt::join(grant.limits, ", "), grant.s3_path(),
                                             fmt::join(prefixes, ", ")));
}

}  // namespace

Task<Result<std::vector<std::string>>> prefixes_of(Context& context, const Selection& typed) {
  VALETKEY_CO_TRY(auto grant, co_await context.session().get());
  Selection selection = typed;
  VALETKEY_CO_CHECK(selection.resolve_parts(*grant));
  auto found = co_await partitions_of(context, selection);
  if (found) found = opened_of(*grant, *found);
  const std::vector<std::string> beside = other_partitions(selection);
  if (!found || beside.empty()) co_return found;
  std::vector<std::string> others;
  for (const std::string& prefix : *found)
    for (const std::string& other : beside) others.push_back(day_of(prefix) + other);
  VALETKEY_CO_TRY(auto there, co_await look_for(context, others));
  for (std::size_t i = 0; i < others.size(); ++i)
    if (there[i]) found->push_back(std::move(others[i]));
  co_return found;
}

namespace {

// Whether the day has _SUCCESS, where the listing did not reach it.
Task<Result<void>> look_for_success(Context& context, const std::string& day, bool& found) {
  const std::string name = day + std::string(layout::kSuccess);
  std::string first;
  auto looked = co_await look_below(context, name, first);
  found = first == name;
  co_return looked;
}

Task<Result<void>> erase_incomplete(Context& context, std::vector<client::ListedObject>& objects) {
  std::map<std::string, bool> complete;  // by day
  for (const client::ListedObject& object : objects) {
    const std::string day = day_of(object.key);
    bool& known = complete[day];
    known = known || (!day.empty() && object.key == day + std::string(layout::kSuccess));
  }
  complete.erase("");
  std::vector<std::pair<const std::string, bool>*> unknown;
  for (auto& day : complete)
    if (!day.second) unknown.push_back(&day);
  auto looked =
      co_await client::run_bounded(context.loop(), unknown.size(), kListings, [&](std::size_t i) {
        return look_for_success(context, unknown[i]->first, unknown[i]->second);
      });
  if (!looked) co_return looked;
  std::erase_if(objects, [&](const auto& object) {
    const auto day = complete.find(day_of(object.key));
    return day == complete.end() || !day->second;
  });
  co_return Result<void>{};
}

Task<Result<void>> list_into(Context& context, const std::string& prefix,
                             std::vector<client::ListedObject>& into) {
  client::ListQuery query;
  query.prefix = prefix;
  VALETKEY_CO_TRY(auto page, co_await context.data().list(query));
  into = std::move(page.objects);
  co_return Result<void>{};
}

}  // namespace

Task<Result<std::vector<client::ListedObject>>> objects_of(
    Context& context, const Selection& selection, const std::vector<std::string>& prefixes) {
  std::vector<std::vector<client::ListedObject>> found(prefixes.size());
  VALETKEY_CO_CHECK(co_await client::run_bounded(
      context.loop(), prefixes.size(), kListings,
      [&](std::size_t i) { return list_into(context, prefixes[i], found[i]); }));
  std::vector<client::ListedObject> all;
  for (auto& part : found) std::ranges::move(part, std::back_inserter(all));
  // Some tools make an empty object to show a folder.
  std::erase_if(all, [](const auto& object) { return object.key.ends_with('/'); });
  if (selection.only_complete) {
    VALETKEY_CO_CHECK(co_await erase_incomplete(context, all));
  }
  std::erase_if(all, [&](const auto& object) { return !selection.takes(object.key); });
  co_return all;
}

}  // namespace valetkey::cli
