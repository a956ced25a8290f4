// SPDX-License-Identifier: Apache-2.0
// For tests: small events into a log, and out of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <future>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/event.h"
#include "events/event_log.h"

namespace valetkey::events {

// Records of events of these uuids.
inline std::string records_of(const std::vector<std::string>& uuids,
                              std::string_view account = "12") {
  std::string out;
  for (const auto& uuid : uuids) {
    Event event;
    event.account_id = account;
    event.uuid = uuid;
    event.visitor_id = "v";
    encode_event(event, out);
  }
  return out;
}

// Waits until they are durable, or refused.
inline Result<void> append_events(EventLog& log, const std::vector<std::string>& uuids,
                                  std::string_view account = "12") {
  std::promise<Result<void>> done;
  log.append({account, "v"}, records_of(uuids, account), uuids.size(),
             [&](Result<void> result) { done.set_value(std::move(result)); });
  return done.get_future().get();
}

// What is read of one partition.
struct ReadEvents {
  std::vector<std::string> uuids;
  std::vector<Offset> places;  // where each piece ended
  Offset next = 0;
};
inline ReadEvents read_events(LogReader& reader, Offset from, Offset until = kLogEnd) {
  ReadEvents out{.uuids = {}, .places = {}, .next = from};
  while (true) {
    std::string records;
    const auto piece = reader.next(records, until);
    EXPECT_TRUE(piece) << piece.error().detail;
    if (!piece || piece->next == out.next) return out;
    EXPECT_GE(piece->first, out.next);
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < piece->count; ++i) {
      Event event;
      EXPECT_TRUE(decode_event(records, at, event));
      out.uuids.emplace_back(event.uuid);
    }
    EXPECT_EQ(at, records.size());
    out.next = piece->next;
    out.places.push_back(out.next);
  }
}
inline ReadEvents read_events(EventLog& log, unsigned partition, Offset from = 0,
                              Offset until = kLogEnd) {
  const auto reader = log.open(partition, from);
  EXPECT_TRUE(reader) << (reader ? "" : reader.error().detail);
  return reader ? read_events(**reader, from, until) : ReadEvents{};
}

}  // namespace valetkey::events
