// SPDX-License-Identifier: Apache-2.0
// A catalog of parts in memory, with a history of generations, for tests.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "storage/part_catalog.h"

namespace valetkey::tables {

class MemoryCatalog final : public storage::PartCatalog {
 public:
  struct Part {
    storage::CatalogPart part;
    std::uint64_t added = 0;
    std::uint64_t gone = ~std::uint64_t{0};
  };
  std::uint64_t generation = 1;
  std::uint64_t oldest_generation = 1;
  std::size_t pages = 0, parts = 0;             // asked for, and read
  std::set<std::string> unreadable;             // of those without statistics
  std::function<void()> between_pages = [] {};  // what others do meanwhile

  // Ten rows of an experiment or event, of which no more is known than bounds of the time, in microseconds.
  static storage::CatalogPart make(const layout::PartKey& key, std::string value) {
    storage::CatalogPart made;
    made.info.key = key.str();
    made.info.size = 1000;
    made.info.rows = 10;
    const std::int64_t begin =
        std::int64_t{86'400'000'000} * key.name.folder.day.time_since_epoch().count();
    layout::PartStatistics statistics;
    statistics.rows = 10;
    statistics.timestamps = layout::TimestampUnit::microseconds;
    const auto id =
        layout::find_field(key.name.folder.type, layout::partition_column(key.name.folder.type))
            ->id;
    statistics.columns = {{3, 0, layout::Bounds{begin, begin + 1000}},
                          {id, 0, layout::Bounds{value, value}}};
    made.statistics = std::move(statistics);
    return made;
  }
  static layout::PartKey key_of(std::string_view account, layout::RowType type,
                                std::string_view day, std::string value, int number) {
    return {*AccountId::parse(account),
            {{type, *parse_date(day)},
             layout::partition_value(value),
             layout::part_name(0, fmt::format("{:08}-0000-8000-8000-000000000000", number))}};
  }

  void publish(std::vector<storage::CatalogPart> add, const std::vector<std::string>& remove = {}) {
    ++generation;
    for (const auto& key : remove) parts_.at(key).gone = generation;
    for (auto& part : add) {
      const std::string key = part.info.key;
      parts_[key] = {std::move(part), generation};
    }
  }
  // Nothing of what is gone is left.
  void forget() {
    oldest_generation = generation;
    std::erase_if(parts_, [this](const auto& each) { return each.second.gone <= generation; });
  }

  Result<storage::Catalog> catalog(const AccountId& account) override {
    storage::Catalog out;
    out.generation = generation;
    out.oldest_generation = oldest_generation;
    std::map<layout::DayFolder, storage::CatalogDay> days;
    std::map<layout::DayFolder, std::uint64_t> changed;
    for (const auto& [key, each] : parts_) {
      const auto parsed = *layout::PartKey::parse(key);
      if (parsed.account != account) continue;
      auto& last = changed[parsed.name.folder];
      last = std::max({last, each.added, each.gone <= generation ? each.gone : 0});
      if (each.gone <= generation) continue;
      auto& day = days[parsed.name.folder];
      ++day.parts;
      day.rows += each.part.info.rows.value_or(0);
      day.bytes += each.part.info.size;
    }
    for (auto& [folder, day] : days) {
      day.folder = folder;
      day.changed = changed[folder];
      out.days.push_back(day);
    }
    return out;
  }

  Result<storage::UnreadyParts> unready_parts(const AccountId& account,
                                              layout::RowType type) override {
    storage::UnreadyParts out;
    for (const auto& [key, each] : parts_) {
      if (!key.starts_with(layout::type_prefix(account, type)) || each.gone <= generation) continue;
      if (!each.part.statistics)
        (unreadable.contains(key) ? out.unreadable : out.unread) = key;
      else if (each.part.statistics->timestamps != layout::TimestampUnit::microseconds)
        out.milliseconds = key;
    }
    return out;
  }

  Result<storage::CatalogPage> list_parts(const AccountId&, const std::string& prefix,
                                          const std::string& after, std::size_t limit,
                                          std::uint64_t as_of) override {
    ++pages;
    if (!prefix.ends_with('/')) return fail(ErrorCode::invalid, prefix + " is no folder");
    if (!after.empty()) between_pages();
    if (as_of < oldest_generation || as_of > generation)
      return fail(ErrorCode::not_found, "that generation is gone");
    storage::CatalogPage page;
    for (const auto& [key, each] : parts_) {
      if (!key.starts_with(prefix) || key <= after || each.added > as_of || each.gone <= as_of)
        continue;
      if (page.parts.size() == limit) {
        page.truncated = true;
        break;
      }
      page.parts.push_back(each.part);
      ++parts;
    }
    return page;
  }

  Result<std::vector<storage::ObjectInfo>> unread_parts(std::size_t) override {
    return std::vector<storage::ObjectInfo>();
  }
  Result<void> describe(const std::vector<storage::ReadPart>&) override { return {}; }
  Result<std::vector<storage::ObjectInfo>> parts_without_microseconds(const std::string&,
                                                                      std::size_t) override {
    return std::vector<storage::ObjectInfo>();
  }
  Result<std::uint64_t> count_without_microseconds() override { return std::uint64_t{0}; }

 private:
  std::map<std::string, Part> parts_;
};

}  // namespace valetkey::tables
