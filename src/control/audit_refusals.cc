// SPDX-License-Identifier: Apache-2.0
#include "control/internal/audit_refusals.h"

namespace valetkey::control {

std::vector<AuditEvent> RefusalTable::count(std::string_view reason, std::string_view block,
                                            Timestamp now) {
  const Timestamp minute = std::chrono::floor<std::chrono::minutes>(now);
  std::vector<AuditEvent> earlier;
  if (minute != minute_) earlier = take();
  minute_ = minute;
  Key key{std::string(reason.substr(0, 64)), std::string(block.substr(0, 64))};
  // Reasons are few and ours; blocks are the strangers' choice.
  if (counts_.size() >= kMaxBlocks && !counts_.contains(key)) key.second = "*";
  ++counts_[std::move(key)];
  return earlier;
}

std::vector<AuditEvent> RefusalTable::take() {
  std::vector<AuditEvent> events;
  events.reserve(counts_.size());
  for (const auto& [key, count] : counts_)
    events.push_back({.at = minute_,
                      .action = "refused",
                      .outcome = key.first,
                      .account = std::nullopt,
                      .actor = "",
                      .subject = "",
                      .client = key.second,
                      .request_id = "",
                      .count = count});
  counts_.clear();
  return events;
}

}  // namespace valetkey::control
