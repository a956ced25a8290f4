// SPDX-License-Identifier: Apache-2.0
// The Event API's body, from JSON to event records. Pure but for a parser kept per thread;
// thread-safe. Every byte is a stranger's. Source: the published Event API; docs/formats.md, "Event
// API".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::events {

struct IntakeLimits {
  std::size_t max_depth = 32;
  std::size_t max_decisions = 1000;         // of a snapshot
  std::size_t max_attributes = 1000;        // of a visitor
  std::size_t max_nested_values = 50'000;   // attributes, decisions and tags written, of a request
  std::size_t max_record_bytes = 32 << 20;  // written, of a request: what events share is repeated
  std::size_t max_unzipped_bytes = 10 << 20;
  std::size_t max_zip_ratio = 100;
};

// What is known of a request beside its body.
struct IntakeContext {
  Timestamp now;
  std::string_view client_address;  // written form; anonymised unless the body says otherwise
  std::string_view user_agent;      // empty: NULL
  std::string_view referer;
};

// Why something was not kept: the request, a visitor, a snapshot or one event, whatever the fault
// is in; each counts once. In strict mode the first one refuses the whole request.
enum class Drop : std::uint8_t {
  account_id,   // missing or not 1 to 20 digits
  request,      // a field of the body itself has a wrong type
  visitor,      // not an object, no visitor_id, malformed attributes or session
  snapshot,     // not an object, malformed decisions
  event,        // not an object, or a field of a wrong type
  uuid,         // missing, or not 1 to 128 bytes
  timestamp,    // missing, or outside the years 1 to 9999
  incomplete,   // a conversion with neither key nor entity_id
  no_decision,  // an activation whose snapshot has no decision
  text,         // invalid UTF-8 or a lone surrogate
  count_,
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::count_);
std::string_view name_of(Drop drop);

struct Intake {
  std::string account_id;  // "" if it was unusable: then nothing was kept
  std::string records;     // encoded events, in the order of the body
  std::size_t events = 0;
  std::array<std::uint32_t, kDrops> dropped{};
};

struct IntakeRefusal {
  int status = 400;  // 400 or 413
  std::string message;
};

// Reads a body that is already unzipped. Not JSON, or not an object: 400 in both modes; over a
// limit: 413.
Result<Intake, IntakeRefusal> parse_events(std::string_view body, const IntakeContext& context,
                                           bool strict, const IntakeLimits& limits = {});

// gzip (RFC 1952), several members too. 400: not gzip or cut short; 413: larger than the limits.
Result<std::string, IntakeRefusal> unzip(std::string_view body, const IntakeLimits& limits = {});

// IPv4: the last octet becomes 0; IPv6: the last 80 bits; anything else becomes empty.
std::string anonymize_address(std::string_view address);

}  // namespace valetkey::events
