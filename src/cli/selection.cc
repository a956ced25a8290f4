// SPDX-License-Identifier: Apache-2.0
#include "cli/selection.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

namespace valetkey::cli {
namespace {

bool matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::ranges::any_of(patterns, [&name](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  });
}

// The part after "date=" of "type=…/date=…/".
std::string date_in(std::string_view day) {
  const auto at = day.find("date=");
  if (at == std::string_view::npos) return "";
  day.remove_prefix(at + 5);
  return std::string(day.substr(0, day.find('/')));
}

std::string partition(const Selection& selection) {
  if (!selection.experiment.empty())
    return "experiment=" + escape_partition(selection.experiment) + "/";
  if (!selection.event.empty()) return "event=" + escape_partition(selection.event) + "/";
  return "";
}

Result<void> check_date(const std::string& text, const char* option) {
  if (text.empty() || parse_date(text)) return {};
  return fail(ErrorCode::invalid, fmt::format("{} must be a date such as 2026-03-10", option));
}

std::vector<std::string> types_of(const Selection& selection) {
  if (!selection.type.empty()) return {selection.type};
  return {"decisions", "events"};
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

std::string escape_partition(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const bool escaped = (byte >= 1 && byte < 0x20) || byte == 0x7F ||
                         std::string_view("\"#%'*/:=?\\{[]^").find(c) != std::string_view::npos;
    out += escaped ? fmt::format("%{:02X}", byte) : std::string(1, c);
  }
  return out;
}

std::string day_of(std::string_view name) {
  if (!name.starts_with("type=")) return "";
  const auto first = name.find('/');
  if (first == std::string_view::npos || !name.substr(first + 1).starts_with("date=")) return "";
  const auto second = name.find('/', first + 1);
  return second == std::string_view::npos ? "" : std::string(name.substr(0, second + 1));
}

Result<void> Selection::check() {
  VALETKEY_CHECK(check_date(date, "--date"));
  VALETKEY_CHECK(check_date(start, "--start"));
  VALETKEY_CHECK(check_date(end, "--end"));
  if (!date.empty() && has_range())
    return fail(ErrorCode::invalid, "--date does not go with --start and --end");
  if (!start.empty() && !end.empty() && start > end)
    return fail(ErrorCode::invalid, "--start is after --end");
  if (!experiment.empty() && !event.empty())
    return fail(ErrorCode::invalid, "--experiment selects decisions and --event events: give one");
  if ((!experiment.empty() && type == "events") || (!event.empty() && type == "decisions"))
    return fail(ErrorCode::invalid, "--experiment goes with decisions, --event with events");
  if (!experiment.empty()) type = "decisions";
  if (!event.empty()) type = "events";
  const bool words = !type.empty() || !date.empty() || has_range();
  if (!prefixes.empty() && words)
    return fail(ErrorCode::invalid, "give a prefix, or --type, --date and the like, not both");
  return {};
}

std::vector<std::string> Selection::simple_prefixes() const {
  if (!prefixes.empty()) return without_nested(prefixes);
  if (type.empty() && date.empty()) return {""};
  std::vector<std::string> found;
  for (const std::string& each : types_of(*this)) {
    std::string prefix = "type=" + each + "/";
    if (!date.empty()) prefix += "date=" + date + "/" + partition(*this);
    found.push_back(std::move(prefix));
  }
  return found;
}

bool Selection::takes(const std::string& name) const {
  return (include.empty() || matches(include, name)) && !matches(exclude, name);
}

Task<Result<std::vector<std::string>>> prefixes_of(client::Export& data,
                                                   const Selection& selection) {
  // A partition without a date is in every day.
  if (!selection.has_range() && (!selection.date.empty() || partition(selection).empty()))
    co_return selection.simple_prefixes();
  std::vector<std::string> found;
  for (const std::string& type : types_of(selection)) {
    client::ListQuery query;
    query.prefix = "type=" + type + "/";
    query.delimiter = "/";
    auto days = co_await data.list(query);
    if (!days) co_return std::unexpected(days.error());
    for (const std::string& day : days->common_prefixes) {
      const std::string date = date_in(day);
      if (date.empty() || (!selection.start.empty() && date < selection.start) ||
          (!selection.end.empty() && date > selection.end))
        continue;
      found.push_back(day + partition(selection));
    }
  }
  co_return found;
}

Task<Result<std::vector<client::ListedObject>>> objects_of(
    client::Export& data, const Selection& selection, const std::vector<std::string>& prefixes) {
  std::vector<client::ListedObject> all;
  std::set<std::string> complete, looked_at;
  for (const std::string& prefix : prefixes) {
    client::ListQuery query;
    query.prefix = prefix;
    auto page = co_await data.list(query);
    if (!page) co_return std::unexpected(page.error());
    for (client::ListedObject& object : page->objects) {
      const std::string day = day_of(object.key);
      if (object.key == day + "_SUCCESS") complete.insert(day);
      // Some tools make an empty object to show a folder.
      if (!object.key.ends_with('/')) all.push_back(std::move(object));
    }
  }
  if (selection.only_complete) {
    for (const client::ListedObject& object : all) {
      const std::string day = day_of(object.key);
      if (day.empty() || complete.contains(day) || !looked_at.insert(day).second) continue;
      client::ListQuery query;
      query.prefix = day + "_SUCCESS";
      query.max_keys = 1;
      auto page = co_await data.list_page(query);
      if (!page) co_return std::unexpected(page.error());
      if (!page->objects.empty() && page->objects.front().key == query.prefix) complete.insert(day);
    }
    std::erase_if(all, [&](const auto& object) { return !complete.contains(day_of(object.key)); });
  }
  std::erase_if(all, [&](const auto& object) { return !selection.takes(object.key); });
  co_return all;
}

}  // namespace valetkey::cli
