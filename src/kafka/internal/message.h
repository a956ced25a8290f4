// SPDX-License-Identifier: Apache-2.0
// The value of a message: some events of one request. Pure. Format: docs/formats.md, "Messages in Kafka".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace valetkey::kafka {

inline constexpr std::size_t kHeaderBytes = 5;  // a version and a count

// The events of `records` as values of at most `most` bytes. `too_large`: one event alone is larger.
Result<std::vector<std::string>> pack(std::string_view records, std::size_t count,
                                      std::size_t most);

struct Unpacked {
  std::string_view records;
  std::uint64_t count = 0;
};
// Reads every event: what comes out of it is safe to decode. `corrupt` for anything that pack() did not write.
Result<Unpacked> unpack(std::string_view value);

}  // namespace valetkey::kafka
