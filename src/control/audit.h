// SPDX-License-Identifier: Apache-2.0
// The audit log: append-only, each record checksummed, in DIR/audit/. Format: docs/formats.md,
// "Audit log". append() never blocks on the disk; a flusher thread writes and fdatasyncs every 200
// ms or 1 MiB.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"

namespace valetkey::control {

struct AuditEvent {
  Timestamp at;
  std::string action;   // "token.create", "token.revoke", "credentials.issue", "account.suspend", …
  std::string outcome;  // "ok" or the reason of a refusal
  std::optional<AccountId> account;
  std::string actor;    // user id, "cli:<uid>", or empty
  std::string subject;  // what it was done to: a token id, an access key id, …
  std::string client;   // address or address block
  std::string request_id;
  std::uint64_t count = 1;  // of aggregated refusals
};

class AuditLog {
 public:
  static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& folder);
  virtual ~AuditLog() = default;  // flushes
  virtual void append(AuditEvent event) = 0;
  // Appends and waits until it is on disk: token creation, revocation, sign-in, role changes.
  virtual Result<void> append_durably(AuditEvent event) = 0;
  // Counts a refusal that carried no valid token; written once a minute per address block and
  // reason.
  virtual void refused(std::string_view reason, std::string_view address_block, Timestamp now) = 0;
};

struct AuditFilter {
  std::optional<Timestamp> since;
  std::optional<AccountId> account;
};
// Calls `each` in order. Torn or altered records are skipped and counted in the result.
Result<std::size_t> read_audit(const std::filesystem::path& folder, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each);

}  // namespace valetkey::control
