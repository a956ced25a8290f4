// SPDX-License-Identifier: Apache-2.0
#include "storage/listed_figures.h"

#include <algorithm>
#include <ranges>

namespace valetkey::storage {
namespace {

using layout::DayFolder;
using layout::RowType;

constexpr std::chrono::minutes kFresh{1};
constexpr std::size_t kMaxAnswers = 32;
constexpr int kListingsOfNames = 4;  // of a type's days; four thousand are more than ten years
constexpr std::chrono::days kYears{3653}, kMonth{31};

bool is_part(std::string_view key) { return key.ends_with(".parquet"); }
bool is_success(std::string_view key) {
  return key.ends_with(layout::kSuccess) &&
         key.substr(0, key.size() - layout::kSuccess.size()).ends_with('/');
}

void add(Sums& sums, const ObjectInfo& part) {
  ++sums.parts;
  sums.bytes += part.size;
  if (sums.rows && part.rows)
    *sums.rows += *part.rows;
  else
    sums.rows.reset();
}

enum class Walked : std::uint8_t { all, stopped, used_up };

// Calls `each` for every entry until it says false (`stopped`) or there are no listings left.
template <class Each>
Result<Walked> walk(ObjectStore& objects, ListQuery query, int& listings, Each each) {
  while (listings > 0) {
    --listings;
    VALETKEY_TRY(const ListPage page, objects.list(query));
    for (const ListEntry& entry : page.entries)
      if (!each(entry)) return Walked::stopped;
    if (!page.truncated || page.entries.empty()) return Walked::all;
    query.start_after = page.entries.back().info.key;
  }
  return Walked::used_up;
}

}  // namespace

Result<std::vector<DaySums>> ListedFigures::days(std::string_view account) {
  const Timestamp now = clock_.now();
  {
    const std::lock_guard lock(mutex_);
    const auto known = answers_.find(account);
    if (known != answers_.end() && now >= known->second.at && now - known->second.at < kFresh)
      return known->second.days;
  }
  VALETKEY_TRY(const auto id, AccountId::parse(account));
  VALETKEY_TRY(auto days, look(id, now));
  const std::lock_guard lock(mutex_);
  if (answers_.size() >= kMaxAnswers && !answers_.contains(account))
    answers_.erase(std::ranges::min_element(answers_, {},
                                            [](const auto& answer) { return answer.second.at; }));
  answers_[std::string(account)] = {days, now};
  return days;
}

Result<std::vector<DaySums>> ListedFigures::look(const AccountId& account, Timestamp now) {
  int listings = kListingsOfAccount;
  Days days;
  const Date since = date_of(now) - kYears;
  for (const RowType type : {RowType::decisions, RowType::events})
    VALETKEY_CHECK(find_days(account, type, since, listings, days));
  std::map<RowType, Date> recent;  // where the newest month of a type begins
  for (const auto& [folder, day] : days)
    recent[folder.type] = std::min(folder.day, date_of(now)) - kMonth;
  for (const auto& [type, begin] : recent)
    VALETKEY_CHECK(add_up(account, {type, begin}, Date::max(), listings, days));
  for (const auto& [type, begin] : recent)
    VALETKEY_CHECK(add_up(account, {type, since}, begin, listings, days));
  std::vector<DaySums> found;
  for (auto& day : days | std::views::values) found.push_back(std::move(day));
  std::ranges::sort(found, {}, [](const DaySums& each) { return std::pair(each.day, each.type); });
  return found;
}

// Which there are, not yet added up.
Result<void> ListedFigures::find_days(const AccountId& account, RowType type, Date since,
                                      int& listings, Days& days) {
  const std::string above = layout::account_prefix(account);
  std::string first = above + DayFolder{type, since}.str();
  first.pop_back();
  int allowed = std::min(listings, kListingsOfNames);
  const int before = allowed;
  const auto each = [&](const ListEntry& entry) {
    const auto folder =
        DayFolder::containing(std::string_view(entry.info.key).substr(above.size()));
    if (folder && entry.is_prefix)
      days[*folder] = {.type = std::string(layout::name_of(type)),
                       .day = folder->day,
                       .sums = {.rows = {}, .counted = false}};
    return true;
  };
  VALETKEY_CHECK(walk(objects_,
                      {.prefix = layout::type_prefix(account, type),
                       .delimiter = "/",
                       .start_after = std::move(first)},
                      allowed, each));
  listings -= before - allowed;
  return {};
}

// Days of a type from one on, before `until`. The day in which the listings end stays uncounted.
Result<void> ListedFigures::add_up(const AccountId& account, DayFolder from, Date until,
                                   int& listings, Days& days) {
  const std::string above = layout::account_prefix(account);
  std::string first = above + from.str();
  first.pop_back();
  std::optional<DaySums> under_way;
  const auto keep = [&] {
    if (under_way) days[{from.type, under_way->day}] = std::move(*under_way);
    under_way.reset();
  };
  const auto each = [&](const ListEntry& entry) {
    const std::string& key = entry.info.key;
    const auto folder = DayFolder::containing(std::string_view(key).substr(above.size()));
    if (!folder) return true;
    if (folder->day >= until) {
      keep();
      return false;
    }
    if (!under_way || under_way->day != folder->day) {
      keep();
      under_way = {.type = std::string(layout::name_of(from.type)), .day = folder->day, .sums = {}};
    }
    if (is_part(key)) add(under_way->sums, entry.info);
    if (is_success(key)) under_way->complete = true;
    return true;
  };
  VALETKEY_TRY(const Walked walked, walk(objects_,
                                         {.prefix = layout::type_prefix(account, from.type),
                                          .delimiter = {},
                                          .start_after = std::move(first)},
                                         listings, each));
  if (walked == Walked::all) keep();
  return {};
}

Result<PartitionPage> ListedFigures::partitions(std::string_view day_prefix, std::string_view after,
                                                std::size_t limit) {
  int listings = kListingsOfDay;
  PartitionPage page;
  const auto each = [&](const ListEntry& entry) {
    const auto name = std::string_view(entry.info.key).substr(day_prefix.size());
    const auto slash = name.find('/');
    if (slash == std::string_view::npos || !is_part(name)) return true;
    if (page.partitions.empty() || page.partitions.back().partition != name.substr(0, slash)) {
      if (page.partitions.size() == limit) return false;
      page.partitions.push_back({std::string(name.substr(0, slash)), {}});
    }
    add(page.partitions.back().sums, entry.info);
    return true;
  };
  ListQuery query{.prefix = std::string(day_prefix), .delimiter = {}, .start_after = {}};
  // "0" is what follows "/".
  if (!after.empty()) query.start_after = std::string(day_prefix).append(after) + "0";
  VALETKEY_TRY(const Walked walked, walk(objects_, std::move(query), listings, each));
  page.more = walked != Walked::all;
  // What the listings ended in begins the next page, or is too large for any.
  if (walked != Walked::used_up || page.partitions.empty()) return page;
  if (page.partitions.size() > 1)
    page.partitions.pop_back();
  else
    page.partitions.back().sums = {.rows = {}, .counted = false};
  return page;
}

Result<std::optional<ObjectInfo>> ListedFigures::latest(std::string_view day_prefix) {
  int listings = kListingsOfDay;
  std::optional<ObjectInfo> newest;
  const auto each = [&](const ListEntry& entry) {
    if (is_part(entry.info.key) && (!newest || entry.info.modified > newest->modified))
      newest = entry.info;
    return true;
  };
  VALETKEY_CHECK(walk(objects_,
                      {.prefix = std::string(day_prefix), .delimiter = {}, .start_after = {}},
                      listings, each));
  return newest;
}

}  // namespace valetkey::storage
