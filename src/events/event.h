// SPDX-License-Identifier: Apache-2.0
// One event as it rests in the event log: the unit of de-duplication, with all that its rows need.
// What the events of a request, a visitor or a snapshot share is written once, in a record before
// them, so an event is read from the stretch of records that it lies in. Pure. Binary form:
// docs/formats.md, "Event record". Views point into the records they were decoded from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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
  // The account has an ingest key and the request came without it: a browser's, or a stranger's.
  bool keyless = false;
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

// Appends the events of one request, as they come. What several of them share is written before the
// first that is kept.
class EventWriter {
 public:
  explicit EventWriter(std::string& out) : out_(out) {}
  // The events that follow are of another visitor, or of another snapshot of the same one.
  void begin_visitor() { visitor_ = snapshot_ = kNone; }
  void begin_snapshot() { snapshot_ = kNone; }
  // `decisions` are the snapshot's; `chosen` those of them that the event has, all if it is empty.
  // event.decisions is not looked at.
  void add(const Event& event, const std::vector<Decision>& decisions,
           std::span<const std::uint32_t> chosen);

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  void share(const Event& event, const std::vector<Decision>& decisions);
  std::string& out_;
  std::size_t request_ = kNone, visitor_ = kNone, snapshot_ = kNone;  // where they were written
};

// Appends one event that shares nothing.
void encode_event(const Event& event, std::string& out);

// Says of a request's events, as EventWriter wrote them, that they are keyless.
void mark_keyless(std::string& records);

// Reads the event at `at` and moves it behind; the end of the last one is the end of `records`.
// `at` is 0, or where an earlier call left it. Reuses the memory of `into`. `corrupt` for anything that
// is not written here.
Result<void> decode_event(std::string_view records, std::size_t& at, Event& into);

// Moves `at` behind `count` events, unread.
Result<void> skip_events(std::string_view records, std::size_t& at, std::uint64_t count);

// The events behind the first `count`, in a form that can do without those.
Result<std::string> cut_events(std::string_view records, std::uint64_t count);

}  // namespace valetkey::events
