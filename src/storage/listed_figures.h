// SPDX-License-Identifier: Apache-2.0
// What an export holds, of a store that keeps no sums: added up from listings of it, so many and no more. Thread-safe;
// every call blocks, for as long as its listings take.
#pragma once

#include <map>
#include <mutex>

#include "base/clock.h"
#include "layout/part_key.h"
#include "storage/export_figures.h"

namespace valetkey::storage {

// Listings of 1,000 keys each.
inline constexpr int kListingsOfAccount = 24;  // for days(), once a minute and account
inline constexpr int kListingsOfDay = 10;      // for partitions() and latest()

class ListedFigures final : public ExportFigures {
 public:
  // Both outlive it.
  ListedFigures(ObjectStore& objects, const Clock& clock) : objects_(objects), clock_(clock) {}
  // The newest month first, then from the first day on: what the listings do not reach is not counted. Days of the last
  // ten years; as they were within the last minute.
  Result<std::vector<DaySums>> days(std::string_view account) override;
  Result<PartitionPage> partitions(std::string_view day_prefix, std::string_view after,
                                   std::size_t limit) override;
  // Of a day with more parts than the listings show: the newest of those that they do.
  Result<std::optional<ObjectInfo>> latest(std::string_view day_prefix) override;

 private:
  struct Answer {
    std::vector<DaySums> days;
    Timestamp at;
  };
  using Days = std::map<layout::DayFolder, DaySums>;
  Result<std::vector<DaySums>> look(const AccountId& account, Timestamp now);
  Result<void> find_days(const AccountId& account, layout::RowType type, Date since, int& listings,
                         Days& days);
  Result<void> add_up(const AccountId& account, layout::DayFolder from, Date until, int& listings,
                      Days& days);

  ObjectStore& objects_;
  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Answer, std::less<>> answers_;  // by account
};

}  // namespace valetkey::storage
