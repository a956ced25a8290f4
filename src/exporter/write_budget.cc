// SPDX-License-Identifier: Apache-2.0
#include "exporter/write_budget.h"

#include <algorithm>

namespace valetkey::exporter {

bool WriteBudget::admit(std::string_view account, Timestamp received, std::uint64_t stored,
                        std::uint64_t written) {
  const auto hour = std::chrono::floor<std::chrono::hours>(received.time_since_epoch()).count();
  const ExportExcess::key_type key{account, hour};
  const auto found = spent_.find(key);
  const auto spent = found == spent_.end() ? 0 : std::min(found->second, most_);
  const auto left = static_cast<std::int64_t>(most_ - spent);
  const auto free = static_cast<std::int64_t>(stored * kFreeRatio);
  auto& over = over_[key];
  const auto after = over + static_cast<std::int64_t>(written) - free;
  // Whatever others of its account did, an event passes that writes no more than is free for it.
  const bool admitted = after <= left || written <= stored * kFreeRatio;
  over = admitted ? after : over - free;
  return admitted;
}

ExportExcess WriteBudget::excess() const {
  ExportExcess out;
  for (const auto& [key, over] : over_)
    if (over > 0) out.emplace(key, static_cast<std::uint64_t>(over));
  return out;
}

}  // namespace valetkey::exporter
