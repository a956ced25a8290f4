// SPDX-License-Identifier: Apache-2.0
// Bytes from a stolen or damaged disk: frame headers and event records.
#include "events/event.h"
#include "events/segment.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey::events;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)decode_frame_header(input);
  Event event;
  for (std::string_view rest = input; !rest.empty();)
    if (!decode_event(rest, event)) break;
  return 0;
}
