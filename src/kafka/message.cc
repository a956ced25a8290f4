// SPDX-License-Identifier: Apache-2.0
#include "kafka/internal/message.h"

#include <fmt/format.h>

#include "events/event.h"

namespace valetkey::kafka {
namespace {

constexpr char kVersion = 1;

std::string value_of(std::string_view records, std::size_t count) {
  std::string out;
  out.reserve(kHeaderBytes + records.size());
  out += kVersion;
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(count >> shift & 0xFF);
  out += records;
  return out;
}

// How many of the first events are within `most` bytes, and where they end.
Result<std::pair<std::size_t, std::size_t>> fitting(std::string_view records, std::size_t count,
                                                    std::size_t most) {
  std::size_t at = 0, end = 0, events = 0;
  for (; events < count; ++events, end = at) {
    VALETKEY_CHECK(events::skip_events(records, at, 1));
    if (at > most) break;
  }
  if (events > 0) return std::pair{events, end};
  return fail(
      ErrorCode::too_large,
      fmt::format("an event of {} bytes is larger than the {} bytes that a message may have", at,
                  most));
}

}  // namespace

Result<std::vector<std::string>> pack(std::string_view records, std::size_t count,
                                      std::size_t most) {
  std::vector<std::string> out;
  const std::size_t room = most - kHeaderBytes;
  std::string rest;
  while (records.size() > room) {
    VALETKEY_TRY(const auto head, fitting(records, count, room));
    const auto [events, end] = head;
    out.push_back(value_of(records.substr(0, end), events));
    if (events == count) return out;
    VALETKEY_TRY(rest, events::cut_events(records, events));
    records = rest;
    count -= events;
  }
  out.push_back(value_of(records, count));
  return out;
}

Result<Unpacked> unpack(std::string_view value) {
  if (value.size() < kHeaderBytes || value[0] != kVersion)
    return fail(ErrorCode::corrupt, "a message does not begin as those of events do");
  Unpacked out{.records = value.substr(kHeaderBytes), .count = 0};
  for (std::size_t i = 0; i < 4; ++i)
    out.count |= std::uint64_t{static_cast<unsigned char>(value[1 + i])} << (8 * i);
  events::Event event;
  std::size_t at = 0;
  for (std::uint64_t read = 0; read < out.count; ++read)
    VALETKEY_CHECK(events::decode_event(out.records, at, event));
  if (at != out.records.size() || out.count == 0)
    return fail(ErrorCode::corrupt, "a message holds more than the events that it counts");
  return out;
}

}  // namespace valetkey::kafka
