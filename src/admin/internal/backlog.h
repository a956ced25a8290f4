// SPDX-License-Identifier: Apache-2.0
// What waits in DIR/events for the exporter, read beside a running server: its segments are looked
// at, nothing is changed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/keyring.h"
#include "base/timestamp.h"
#include "events/event_log.h"

namespace valetkey::admin {

struct AccountBacklog {
  std::uint64_t events = 0;
  Timestamp oldest;  // when the first of them arrived
};

struct Backlog {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;                           // sealed, of the stretches that hold them
  std::vector<events::Offset> ends{};                // behind the newest event, by partition
  std::optional<Timestamp> oldest{};                 // when the first of them arrived
  std::map<std::string, AccountBacklog> accounts{};  // only if everything is looked at
  std::vector<std::string> problems;  // a sentence for each stretch that cannot be read
  milliseconds lag(Timestamp now) const;
};

// Of the events from `consumed` on, by partition; of one that it does not name: all. With `everything`, each stretch is
// authenticated and each event is read: a second for about a gigabyte.
Result<Backlog> read_backlog(const std::filesystem::path& folder, const Keyring& keyring,
                             const std::vector<events::Offset>& consumed, bool everything = false);

// Adds what waits in Kafka's topic, whose partitions come behind those of the folder.
Result<void> add_backlog(events::EventLog& topic, const std::vector<events::Offset>& consumed,
                         Backlog& backlog, bool everything = false);

}  // namespace valetkey::admin
