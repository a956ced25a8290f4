// SPDX-License-Identifier: Apache-2.0
// Any body, zipped or not, in both modes: whatever intake keeps must decode again, and hold its
// limits.
#include <cstdlib>

#include "events/event.h"
#include "events/intake.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  using namespace valetkey::events;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto unzipped = unzip(input);
  const std::string_view body = unzipped ? std::string_view(*unzipped) : input;
  const IntakeContext context{from_epoch_ms(1'600'000'000'000), "2001:db8::1", "agent", "referer"};
  for (const bool strict : {false, true}) {
    const auto intake = parse_events(body, context, strict);
    if (!intake) continue;
    std::size_t events = 0;
    for (std::size_t at = 0; at < intake->records.size(); ++events) {
      Event event;
      if (!decode_event(intake->records, at, event) || event.uuid.empty() ||
          event.uuid.size() > 128)
        std::abort();
    }
    if (events != intake->events) std::abort();
  }
  return 0;
}
