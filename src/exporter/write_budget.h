// SPDX-License-Identifier: Apache-2.0
// Holds each account to its share of the exporter. What an account's events write is in proportion
// to what was stored of them, or comes out of a budget that each account has for an hour: few bytes
// that become very many (a snapshot of many decisions by a visitor of many attributes) cannot keep
// the events of others waiting. Pure. Numbers: docs/security.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "exporter/ledger.h"

namespace valetkey::exporter {

inline constexpr std::uint64_t kFreeRatio = 32;  // written for each byte stored
inline constexpr std::uint64_t kExcessAnHour = std::uint64_t{4} << 30;

class WriteBudget {
 public:
  // `spent`: what earlier batches did, by account and hour.
  explicit WriteBudget(ExportExcess spent, std::uint64_t most = kExcessAnHour)
      : spent_(std::move(spent)), most_(most) {}
  // Whether an event that takes `stored` bytes in the log may write `written` bytes of rows.
  bool admit(std::string_view account, Timestamp received, std::uint64_t stored,
             std::uint64_t written);
  // What this budget's events wrote beyond what is free, beside what was spent before.
  ExportExcess excess() const;

 private:
  ExportExcess spent_;
  std::uint64_t most_;
  std::map<ExportExcess::key_type, std::int64_t> over_;  // below 0: some is still free
};

}  // namespace valetkey::exporter
