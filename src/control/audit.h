// SPDX-License-Identifier: Apache-2.0
// The audit log: append-only, each record checksummed, in DIR/audit/. Format: docs/formats.md,
// "Audit log". append() never blocks on the disk; a flusher thread writes and fdatasyncs every 200
// ms or 1 MiB.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "base/steady_clock.h"

namespace valetkey::control {

// What is appended: views that must live until append() has returned.
struct AuditEntry {
  Timestamp at;
  std::string_view action;   // "token.create", "token.revoke", "credentials.issue", …
  std::string_view outcome;  // "ok" or the reason of a refusal
  const AccountId* account = nullptr;
  std::string_view actor;    // user id, "cli:<uid>", or empty
  std::string_view subject;  // what it was done to: a token id, an access key id, …
  std::string_view client;   // address or address block
  std::string_view request_id;
  std::uint64_t count = 1;  // of aggregated refusals
  std::string_view
      detail{};  // what the subject is limited to, until when sessions live, …; or empty
};

// What is read again. The same fields, owned.
struct AuditEvent {
  Timestamp at;
  std::string action;
  std::string outcome;
  std::optional<AccountId> account;
  std::string actor;
  std::string subject;
  std::string client;
  std::string request_id;
  std::uint64_t count = 1;
  std::string detail{};

  AuditEntry entry() const {
    return {at,         action, outcome, account ? &*account : nullptr, actor, subject, client,
            request_id, count,  detail};
  }
};

class AuditLog {
 public:
  static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& folder,
                                                const Clock& clock,
                                                const SteadyClock& steady = SteadyClock::system());
  virtual ~AuditLog() = default;  // flushes
  virtual void append(const AuditEntry& entry) = 0;
  // Appends and waits until it is on disk: token creation, revocation, sign-in, role changes.
  virtual Result<void> append_durably(const AuditEntry& entry) = 0;
  // Counts a refusal that carried no valid token; written once a minute per address block and
  // reason.
  virtual void refused(std::string_view reason, std::string_view address_block, Timestamp now) = 0;
};

struct AuditFilter {
  std::optional<Timestamp> since{};
  std::optional<Timestamp> until{};  // included
  std::optional<AccountId> account{};
  std::string action{};           // "token.create", or "token" for all of its kind; empty: every
  std::set<std::string> about{};  // ids one of which is the actor or the subject; empty: everyone
  std::size_t newest = 0;         // only so many, the newest; 0: all
};
// The records that an installation has, to be read: of a folder, or of all nodes.
using ReadAudit = std::function<Result<void>(const AuditFilter&,
                                             const std::function<void(const AuditEvent&)>& each)>;
// Calls `each` in order. Torn or altered records are skipped and counted in the result. With
// `newest`, segments are read from the newest on, for as long as records are missing, and no more
// of them are held at once.
Result<std::size_t> read_audit(const std::filesystem::path& folder, const AuditFilter& filter,
                               const std::function<void(const AuditEvent&)>& each);

}  // namespace valetkey::control
