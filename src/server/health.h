// SPDX-License-Identifier: Apache-2.0
// How the server is, looked at once a second by the keeper and read by /readyz and /metrics.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/keyring.h"
#include "base/timestamp.h"
#include "server/export_health.h"

namespace valetkey::server {

struct KeyHealth {
  KeyPurpose purpose;
  std::uint32_t id;
  KeyState state;
  Timestamp created;
};

struct Health {
  Timestamp looked{};                // when this was seen
  bool stopping = false;             // SIGTERM has come
  bool control_fresh = false;        // the control store has been seen within 5 s
  std::string control_problem;       // what it says instead
  std::string object_store_problem;  // empty: it can be read
  std::string keyring_problem;       // empty: the last look at the file was fine
  std::uint64_t disk_total_bytes = 0;
  std::uint64_t disk_free_bytes = 0;  // for this user
  std::uint64_t watermark_percent = 100;
  std::uint64_t min_free_bytes = 0;
  std::optional<Timestamp> certificate_not_after;  // none: no TLS
  std::vector<KeyHealth> keys;
  std::string no_key;                     // why nothing can be sealed; empty: it can
  std::optional<ExportHealth> exporting;  // none: no events are taken here

  bool above_watermark() const;
  // Why no request should come here; empty: ready. In plain words.
  std::vector<std::string> problems(Timestamp now) const;
  // What an operator should look after soon, though requests are served.
  std::vector<std::string> warnings(Timestamp now) const;
};

}  // namespace valetkey::server
