// SPDX-License-Identifier: Apache-2.0
// For tests: bodies of the Event API, and what is kept of them.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "events/intake.h"

namespace valetkey::events {

inline const IntakeContext kContext{from_epoch_ms(1'600'000'000'000), "203.0.113.77", "agent", ""};

struct Kept {
  Intake intake;
  std::vector<Event> events;
};
inline Kept keep(std::string_view body, bool strict = false,
                 const IntakeContext& context = kContext) {
  auto intake = parse_events(body, context, strict);
  EXPECT_TRUE(intake) << (intake ? "" : intake.error().message);
  Kept kept;
  if (!intake) return kept;
  kept.intake = std::move(*intake);
  for (std::size_t at = 0; at < kept.intake.records.size();) {
    Event e;
    const auto decoded = decode_event(kept.intake.records, at, e);
    EXPECT_TRUE(decoded);
    if (!decoded) break;
    kept.events.push_back(e);
  }
  EXPECT_EQ(kept.events.size(), kept.intake.events);
  return kept;
}
inline std::uint32_t dropped(const Kept& kept, Drop why) {
  return kept.intake.dropped[static_cast<std::size_t>(why)];
}
inline std::uint32_t all_dropped(const Kept& kept) {
  std::uint32_t sum = 0;
  for (const auto n : kept.intake.dropped) sum += n;
  return sum;
}

inline std::uint32_t altered(const Kept& kept, Alteration why) {
  return kept.intake.altered[static_cast<std::size_t>(why)];
}
inline std::uint32_t all_altered(const Kept& kept) {
  std::uint32_t sum = 0;
  for (const auto n : kept.intake.altered) sum += n;
  return sum;
}

// One visitor whose one snapshot has these decisions and events.
inline std::string body_of(std::string_view events, std::string_view decisions = "[]",
                           std::string_view attributes = "[]") {
  return fmt::format(R"({{"account_id":"12","visitors":[{{"visitor_id":"v","attributes":{},)"
                     R"("snapshots":[{{"decisions":{},"events":[{}]}}]}}]}})",
                     attributes, decisions, events);
}
inline constexpr std::string_view kClick = R"({"uuid":"u","timestamp":1,"key":"click"})";

}  // namespace valetkey::events
