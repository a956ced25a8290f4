// SPDX-License-Identifier: Apache-2.0
// What becomes of the sessions that are out when a token is revoked or an account suspended, for
// those who did it: REST, the console and the commands say the same. Thread-safe.
#pragma once

#include <string>

#include "access/credentials.h"
#include "control/control_store.h"

namespace valetkey::access {

struct EndOfSessions {
  bool at_once = false;  // within seconds
  Timestamp by{};        // the last of them ends then at the latest
  std::string text;      // what happened, as the rest of a sentence behind "Sessions: "
};

struct Cutting {
  CredentialIssuer& issuer;
  control::ControlStore& store;
  milliseconds longest{};  // that any session lives: [credentials] max_duration
};

// Nothing is cut off.
EndOfSessions end_of_sessions(const Cutting& with, const Cut& whose, Timestamp now);
// Cuts off, where the issuer can; the reason must have been written to the store before. An error of
// the engine's, with until when they live.
Result<EndOfSessions> cut_sessions_off(const Cutting& with, const Cut& whose, Timestamp now);

}  // namespace valetkey::access
