// SPDX-License-Identifier: Apache-2.0
// The event log on a topic of Kafka. An event is acknowledged when all replicas in sync have it. A place is an offset of
// Kafka; a piece is a message, which holds events of one request. Nothing is committed at Kafka: the export ledger owns
// the places. Format of a message: docs/formats.md. Decision: docs/decisions/0020.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "events/event_log.h"

namespace valetkey::kafka {

// How brokers are reached.
struct Connection {
  std::vector<std::string> brokers;  // HOST:PORT; any of them name the others
  bool tls = false;
  std::string ca_file;   // PEM; empty: what the system trusts
  std::string username;  // empty: no authentication
  Secret password;
  std::string mechanism = "SCRAM-SHA-512";  // SCRAM-SHA-256; PLAIN, over TLS
};

struct LogOptions {
  Connection connection;
  std::string topic;
  unsigned partitions = 16;  // what the topic must have: routes hang on it
  unsigned replicas = 3;     // of each partition at least; with 2 or more, 2 must be in sync
  std::uint64_t largest_event_bytes =
      12 << 20;  // a record; messages of the topic must have room for it
  std::uint64_t max_queued_bytes = 64 << 20;          // not yet acknowledged; beyond: `unavailable`
  milliseconds longest_wait{0};                       // of an event for company in a message set
  milliseconds release_after{std::chrono::hours(1)};  // so long what was released stays readable
  // Brokers may be away when the log is opened: it then takes and gives nothing (`unavailable`), until they answer and
  // the topic is as it must be.
  bool may_wait = false;
  // Asked once where the partitions end, before anything is taken or given: what it refuses, the log refuses.
  std::function<Result<void>(const std::vector<events::Offset>& ends)> accept = {};
};

// Makes the topic if it is missing, and refuses one that could lose events (`invalid`), with the remedy. `unavailable`:
// no broker answers. `denied`: they do not let it in. A log that waited for brokers says in stats() what it is refused
// for, and looks again.
Result<std::unique_ptr<events::EventLog>> open_log(LogOptions options, const Clock& clock);

}  // namespace valetkey::kafka
