// SPDX-License-Identifier: Apache-2.0
// Counts refusals of strangers by minute, reason and address block in a table of fixed size, so
// that a flood costs the log a few lines a minute. Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "control/audit.h"

namespace valetkey::control {

class RefusalTable {
 public:
  // Beyond kMaxBlocks different blocks a minute, the rest is counted under the block "*".
  static constexpr std::size_t kMaxBlocks = 4096;

  // What the table held of an earlier minute, as events; empty while the minute lasts.
  std::vector<AuditEvent> count(std::string_view reason, std::string_view block, Timestamp now);
  std::vector<AuditEvent> take();
  bool empty() const { return counts_.empty(); }

 private:
  using Key = std::pair<std::string, std::string>;  // reason, block
  Timestamp minute_;
  std::map<Key, std::uint64_t> counts_;
};

}  // namespace valetkey::control
