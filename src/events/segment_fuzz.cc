// SPDX-License-Identifier: Apache-2.0
// Bytes from a stolen or damaged disk: frame headers and event records.
#include "events/event.h"
#include "events/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::events;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)decode_frame_header(input);
  Event event;
  for (std::size_t at = 0; at < input.size();)
    if (!decode_event(input, at, event)) break;
  for (std::size_t at = 0; at < input.size();)
    if (!skip_events(input, at, 1)) break;
  (void)cut_events(input, 1);
  return 0;
}
