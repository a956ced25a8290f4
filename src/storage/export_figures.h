// SPDX-License-Identifier: Apache-2.0
// What an export holds, in figures: kept in the transactions that change the parts, for pages that answer at once
// however many there are (disk_store); or added up from listings (listed_figures). Thread-safe; every call blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "storage/object_store.h"

namespace valetkey::storage {

struct Sums {
  std::uint64_t parts = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> rows = 0;  // none: some parts' were never counted
  bool counted = true;                    // false: it is there, but was not added up
  bool any() const { return parts > 0 || !counted; }
};
struct DaySums {
  std::string type;  // "decisions"
  Date day;
  Sums sums;
  bool complete = false;  // its _SUCCESS is there, where it was counted
};
struct PartitionSums {
  std::string partition;  // "experiment=42", as in the keys
  Sums sums;
};
struct PartitionPage {
  std::vector<PartitionSums> partitions;
  bool more = false;  // behind the last of them
};

class ExportFigures {
 public:
  virtual ~ExportFigures() = default;
  // Of an account, by day and type.
  virtual Result<std::vector<DaySums>> days(std::string_view account) = 0;
  // Below a day's prefix, behind `after`, at most `limit`: added up when it is asked for.
  virtual Result<PartitionPage> partitions(std::string_view day_prefix, std::string_view after,
                                           std::size_t limit) = 0;
  // The part below the prefix that was written last; none: there is none.
  virtual Result<std::optional<ObjectInfo>> latest(std::string_view day_prefix) = 0;
};

}  // namespace valetkey::storage
