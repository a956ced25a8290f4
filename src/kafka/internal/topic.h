// SPDX-License-Identifier: Apache-2.0
// The topic as it must be, so that no event is lost in it before it is exported.
#pragma once

#include <cstdint>

#include "kafka/internal/client.h"

namespace valetkey::kafka {

struct Topic {
  std::size_t message_bytes = 0;  // of a message at most
};

// Makes the topic if it is missing. `invalid`: it could lose events, or is not what `options` say; the sentence has the
// command that mends it.
Result<Topic> open_topic(const Client& client, const LogOptions& options);

}  // namespace valetkey::kafka
