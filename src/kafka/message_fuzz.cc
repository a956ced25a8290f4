// SPDX-License-Identifier: Apache-2.0
// What anybody who may write to the topic could have put there.
#include "events/event.h"
#include "kafka/internal/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace valetkey;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto read = kafka::unpack(input);
  if (!read) return 0;
  // What was taken can be decoded, and packed again into messages that are taken.
  const auto packed = kafka::pack(read->records, read->count, 64);
  if (!packed && packed.error().code != ErrorCode::too_large) __builtin_trap();
  if (!packed) return 0;
  std::uint64_t count = 0;
  for (const auto& each : *packed) {
    const auto again = kafka::unpack(each);
    if (!again) __builtin_trap();
    count += again->count;
  }
  if (count != read->count) __builtin_trap();
  return 0;
}
