// SPDX-License-Identifier: Apache-2.0
// One event as it rests in the event log: the unit of de-duplication, with all that its rows need.
// Pure. Binary form: docs/formats.md, "Event record". Views point into the record they were decoded
// from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::events {

using Text = std::optional<std::string_view>;  // nothing: NULL in the row

struct Attribute {
  Text id, name, type, value;
};
struct Decision {
  Text campaign_id, experiment_id, variation_id;
  std::optional<bool> is_holdback;
};
struct Tag {
  std::string_view key;
  Text value;
};

enum class EventKind : std::uint8_t {
  activation = 1,  // yields one decision row for each of `decisions`
  conversion = 2,  // yields one conversion row, whose experiments are `decisions`
};

struct Event {
  EventKind kind = EventKind::conversion;
  std::string_view account_id;
  std::string_view uuid;  // 1 to 128 bytes
  Timestamp received;     // the server's clock: process_timestamp, and the day it is exported under
  Timestamp timestamp;    // the client's clock, years 1 to 9999
  std::string_view visitor_id;
  Text session_id, user_ip, user_agent, referer, revision, client_engine, client_version;
  Text entity_id, event_type, event_name;
  std::optional<std::int64_t> revenue, quantity;
  std::optional<double> value;
  std::vector<Attribute> attributes;
  std::vector<Decision> decisions;
  std::vector<Tag> tags;

  // The rows that it becomes.
  std::size_t rows() const { return kind == EventKind::activation ? decisions.size() : 1; }
};

// Appends one record (its length first) to `out`.
void encode_event(const Event& event, std::string& out);

// Reads the record at the front of `records` and drops it from there. Reuses the memory of `into`.
// `corrupt` for anything that encode_event() does not write.
Result<void> decode_event(std::string_view& records, Event& into);

// Only what tells events apart, of the record at the front.
struct EventIdentity {
  std::string_view account_id, uuid;
};
Result<EventIdentity> identify_event(std::string_view records);

// Drops `count` records from the front, unread.
Result<void> skip_events(std::string_view& records, std::uint64_t count);

}  // namespace valetkey::events
