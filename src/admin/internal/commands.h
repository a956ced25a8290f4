// SPDX-License-Identifier: Apache-2.0
// The commands of valetkeyd as functions. Each prints its answer and returns the exit status (0, or
// 1 where it found something wrong), or the error that ends it with status 1. All work beside a
// server.
#pragma once

#include <optional>
#include <string>

#include "admin/command_context.h"
#include "terminal/time_words.h"

namespace valetkey::admin {

// `bucket`: of the folder for good; empty: as configured.
// `if_missing`: does nothing, and succeeds, where both folder and keyring are there.
Result<int> init(CommandContext& context, const std::string& bucket, bool if_missing);
Result<int> print_config(CommandContext& context, bool markdown);

Result<int> account_create(CommandContext& context, const std::string& id, const std::string& name);
Result<int> account_list(CommandContext& context);
Result<int> account_set(CommandContext& context, const std::string& id,
                        control::AccountState state);
// `purge`: also removes everything that is stored of it. Asks unless `yes`.
Result<int> account_delete(CommandContext& context, const std::string& id, bool purge, bool yes);

struct PolicyFlags {  // none: stays as it is
  std::optional<std::string> name;
  bool yes = false;                                           // a shorter retention needs no answer
  std::optional<std::optional<std::chrono::days>> retention;  // none in it: for good
  std::optional<std::string> ingest_key;                      // "new" or "none"
  std::optional<std::string> origins;                         // separated by commas, or "none"
  std::optional<std::uint64_t> events_per_s;                  // 0: no limit
  std::optional<std::uint64_t> bytes_per_day;                 // 0: no limit
  std::optional<std::string> bucket, prefix;  // at the engine of [issuer]; "none": as configured
};
Result<int> account_set_policy(CommandContext& context, const std::string& id,
                               const PolicyFlags& flags);
Result<int> account_erase_visitor(CommandContext& context, const std::string& id,
                                  const std::string& visitor);

Result<int> user_create(CommandContext& context, const std::string& email,
                        const std::string& account, const std::string& role);
Result<int> user_list(CommandContext& context, const std::string& account);
Result<int> user_set_state(CommandContext& context, const std::string& email,
                           control::UserState state);
Result<int> user_set_role(CommandContext& context, const std::string& email,
                          const std::string& role);

// Prints a link, once: opening it sets the user's password and signs in to the console.
Result<int> user_invite(CommandContext& context, const std::string& email);
// Reads the password from standard input.
Result<int> user_set_password(CommandContext& context, const std::string& email);

struct TokenFlags {
  std::string account, user, name;
  std::string scopes = "export";
  std::optional<milliseconds> expires;  // from now; none: until it is revoked
  control::WantedNarrowing narrowing{};
};
Result<int> token_create(CommandContext& context, const TokenFlags& flags);
Result<int> token_list(CommandContext& context, const std::string& account,
                       const std::string& user);
// `cut_off`: also its sessions at the engine of [issuer].
Result<int> token_revoke(CommandContext& context, const std::string& id, bool cut_off);

// Tries the engine of [issuer] with a session for the account; empty: for the first active one.
Result<int> issuer_check(CommandContext& context, const std::string& id);

struct AuditFlags {  // empty: no such condition
  std::optional<terminal::Instant> since, until;
  std::string account, action;
  std::string user;         // an e-mail address or an id
  std::uint64_t limit = 0;  // the newest; 0: all
};
Result<int> audit(CommandContext& context, const AuditFlags& flags);

// What the account, or every account, stores and used.
struct UsageFlags {
  std::optional<terminal::Day> since, until;
};
Result<int> account_usage(CommandContext& context, const std::string& id, const UsageFlags& flags);

// Which nodes share the export, and what each does.
Result<int> nodes(CommandContext& context);

// Moves accounts and ledger from the data folder into the PostgreSQL of [control].
Result<int> control_copy(CommandContext& context);

// Exports what waits: by the running server, else by itself.
Result<int> export_now(CommandContext& context);
Result<int> export_status(CommandContext& context);
Result<int> export_rewrite(CommandContext& context);

Result<int> import_folder(CommandContext& context, const std::string& folder, unsigned workers);
Result<int> check(CommandContext& context, bool repair);
Result<int> backup(CommandContext& context, const std::string& destination);
Result<int> restore(CommandContext& context, const std::string& source);

Result<int> keys_list(CommandContext& context);
// `purpose`: session, object or both.
Result<int> keys_rotate(CommandContext& context, const std::string& purpose,
                        milliseconds activate_in);
Result<int> keys_rewrap(CommandContext& context);

}  // namespace valetkey::admin
