// SPDX-License-Identifier: Apache-2.0
// What becomes of the sessions that are out when a token is revoked or an account suspended: REST,
// the console and the commands do and say the same. Thread-safe; every call may block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/credentials.h"
#include "control/audit.h"
#include "control/control_store.h"

namespace valetkey::access {

// Whose sessions: an account's, or those of a token and of all that descend from it.
struct Whose {
  AccountId account;
  std::optional<TokenId> token{};
};

struct EndOfSessions {
  bool at_once = false;  // within seconds
  Timestamp by{};        // the last of them ends then at the latest
  std::string text;      // what happened, as the rest of a sentence behind "Sessions: "
  // Where they were to end and could not, worth a repetition: the reason, for operators and their log alone.
  std::string why{};
  // Other accounts whose sessions ended with them; never shown to a tenant.
  std::vector<AccountId> others{};
  // For the audit log, of a cut-off.
  std::string_view action() const { return at_once ? "sessions.cut-off" : "sessions.not-cut-off"; }
};

struct Cutting {
  CredentialIssuer& issuer;
  control::ControlStore& store;
  milliseconds longest{};  // that any session lives: [credentials] max_duration
};

// Nothing is cut off.
EndOfSessions end_of_sessions(const Cutting& with, const Whose& whose, Timestamp now);
// Cuts off, where the issuer can, in one call to it; the reason must have been written to the store
// before. Repeating it ends the same sessions again, also those of tokens that were revoked before.
EndOfSessions try_to_cut_off(const Cutting& with, const Whose& whose, Timestamp now);
// Of a caller who cuts off too often: the issuer is not asked. `reason`: for the caller, as the end of a sentence.
EndOfSessions not_cut_off(const Cutting& with, const Whose& whose, std::string_view reason,
                          Timestamp now);

// What became of the others, each in its own account's records, without whose doing it was.
Result<void> audit_others(control::AuditLog& audit, const EndOfSessions& ended, Timestamp now);
inline constexpr std::string_view kMadeRoom =
    "the engine's role has no room to name its tokens one by one any more: all of its sessions "
    "have ended, and its tokens buy new ones at once";

}  // namespace valetkey::access
