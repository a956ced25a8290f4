// SPDX-License-Identifier: Apache-2.0
// The Event API's body, from JSON to event records. Pure but for a parser kept per thread;
// thread-safe. Every byte is a stranger's. Source: the published Event API; docs/formats.md, "Event
// API".
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "base/timestamp.h"

namespace valetkey::events {

struct IntakeLimits {
  std::size_t max_depth = 1024;
  std::size_t max_decisions = 1000;   // of a snapshot
  std::size_t max_attributes = 1000;  // of a visitor
  // Of a request: the attributes, decisions and tags of its events, each counted in every row that
  // the event becomes; and the text of all rows. What events share counts in each.
  std::size_t max_row_values = 50'000;
  std::size_t max_row_bytes = 32 << 20;
  std::size_t max_unzipped_bytes = 10 << 20;
  std::size_t max_zip_ratio = 100;
};

// Of a visitor id, of ids and names, of the User-Agent and the Referer.
inline constexpr std::size_t kMaxTextBytes = 1024;
inline constexpr std::size_t kMaxUuidBytes = 128;

// What is known of a request beside its body.
struct IntakeContext {
  Timestamp now;
  std::string_view client_address;  // written form; anonymised unless the body says otherwise
  std::string_view user_agent;      // empty: NULL; any bytes
  std::string_view referer;
};

// Why an event was not kept. Whatever the fault is in, the events that it cost count; 1 where they
// cannot be told. In strict mode the first one refuses the whole request.
enum class Drop : std::uint8_t {
  account_id,   // missing or not 1 to 20 digits
  request,      // visitors is not a list
  visitor,      // not an object, no visitor_id or one above 1 KiB, snapshots not a list
  snapshot,     // not an object, events not a list
  event,        // not an object
  uuid,         // missing, or not 1 to 128 bytes
  timestamp,    // missing, no number, or outside the years 1 to 9999
  incomplete,   // a conversion with neither key nor entity_id
  no_decision,  // an activation whose snapshot has no decision
  count_,
};
inline constexpr std::size_t kDrops = static_cast<std::size_t>(Drop::count_);
std::string_view name_of(Drop drop);

// What a field lost, or looks as if it meant: its events are kept. Each field counts once, however
// many events share it. In strict mode the first one refuses the whole request.
enum class Alteration : std::uint8_t {
  text,       // U+FFFD in place of invalid UTF-8 or a lone surrogate
  number,     // not the number that it has to be: NULL
  shape,      // of another type: NULL, or left out
  too_long,   // above 1 KiB: cut
  too_many,   // attributes or decisions above 1,000: left out, each
  decision,   // not an object, or an id in it is none: left out
  attribute,  // not an object: left out
  seconds,    // a timestamp that reads as seconds since 1970: kept as milliseconds, as it was sent
  count_,
};
inline constexpr std::size_t kAlterations = static_cast<std::size_t>(Alteration::count_);
std::string_view name_of(Alteration alteration);

struct Intake {
  std::string account_id;  // "" if it was unusable: then nothing was kept
  std::string named;       // what stood in its place, any text; "" if nothing did
  std::string visitor;     // of the first event
  std::string records;     // encoded events, in the order of the body
  std::size_t events = 0;
  std::array<std::uint32_t, kDrops> dropped{};
  std::array<std::uint32_t, kAlterations> altered{};
};

struct UnknownAccount {
  std::string named;  // as Intake::named
  std::size_t events = 0;
};
struct IntakeRefusal {
  enum class Why : std::uint8_t { malformed, too_large };
  Why why = Why::malformed;
  std::string message;
  std::optional<UnknownAccount> unknown{};  // the body names no usable account
};

// Reads a body that is already unzipped. `malformed`, in both modes: not JSON, or not an object;
// `too_large`: over a limit. A byte order mark before it is passed over.
Result<Intake, IntakeRefusal> parse_events(std::string_view body, const IntakeContext& context,
                                           bool strict, const IntakeLimits& limits = {});

// gzip (RFC 1952), several members too. `malformed`: not gzip or cut short; `too_large`: over the
// limits.
Result<std::string, IntakeRefusal> unzip(std::string_view body, const IntakeLimits& limits = {});

// IPv4: the last octet becomes 0; IPv6: the last 80 bits; anything else becomes empty.
std::string anonymize_address(std::string_view address);

}  // namespace valetkey::events
