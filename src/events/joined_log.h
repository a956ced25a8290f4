// SPDX-License-Identifier: Apache-2.0
// Two logs as one: events go to the second, and the first is read until nothing is left in it. So an installation goes
// on from its own files to a log that others keep. The partitions of the first come first, as they were; records of any
// route may lie there, since the second cuts accounts otherwise. Thread-safe.
#pragma once

#include <memory>

#include "events/event_log.h"

namespace valetkey::events {

std::unique_ptr<EventLog> join_logs(std::unique_ptr<EventLog> former,
                                    std::unique_ptr<EventLog> present);

}  // namespace valetkey::events
