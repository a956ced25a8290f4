// SPDX-License-Identifier: Apache-2.0
// What each command of the client does. Results go to `out`, remarks to `err`; an error is one
// sentence.
#pragma once

#include "cli/context.h"
#include "cli/selection.h"

namespace valetkey::cli {

// Only these two print secrets: they are the answer that was asked for.
Result<void> run_auth(Context& context, const std::string& format, const client::Environment& env,
                      Streams streams);
struct ProcessFlags {
  std::string bucket, account;     // as of check_place()
  milliseconds wait = seconds(5);  // an SDK waits for it
};
// Keeps what it fetched in the cache folder, 0600, and never hands on less than 15 minutes where
// the service gives more.
Result<void> run_credential_process(client::Profile profile, const ProcessFlags& flags,
                                    const client::Environment& env, Streams streams);

Result<void> run_paths(Context& context, const Selection& selection, Streams streams);
Result<void> run_ls(Context& context, const Selection& selection, bool recursive, Streams streams);
Result<void> run_cat(Context& context, const std::string& name, Streams streams);

struct SyncFlags {
  std::string output = "data";
  unsigned connections = 32;
  bool dry_run = false, delete_ = false, json = false, verbose = false;
};
Result<void> run_sync(Context& context, const Selection& selection, const SyncFlags& flags,
                      Streams streams);

struct ConfigureFlags {
  std::string api, token_file, ca_file;
  bool allow_http = false;
  milliseconds wait{0};
};
// Asks on the terminal for what the flags do not say, tries the token, saves the profile.
Result<void> run_configure(const client::Environment& env, const ConfigureFlags& flags,
                           Streams streams);
// Writes a profile for AWS SDKs and the CLI that runs credential-process.
Result<void> run_configure_aws(Context& context, const client::Environment& env,
                               const std::string& profile, const std::string& program,
                               Streams streams);

// Lines for engines that read the export as tables. With show_token they hold the token.
struct TablesFlags {
  std::string engine = "all";
  bool show_token = false;
};
std::vector<std::string> engine_names();  // "all" first
Result<void> run_tables(Context& context, const TablesFlags& flags, Streams streams);
// Writes a profile for clients of Delta Sharing, which holds the token, mode 0600.
Result<void> run_configure_share(Context& context, const std::string& file, Streams streams);

struct ServerFlags {
  std::string listen = "127.0.0.1:0";
  std::string bucket, account;  // as of check_place()
  bool json = false;
  milliseconds wait{0};              // for the first credentials
  std::vector<std::string> command;  // to run under the credentials; empty: print where they are
};
// Answers SDKs on loopback until a signal comes, or the command has ended, whose status becomes the
// process's: then it does not return.
Result<void> run_credentials_server(const client::Profile& profile, const ServerFlags& flags,
                                    const client::Environment& env, Streams streams);

// Tokens over REST, with the profile's own, which needs the scope `tokens`.
struct TokenFlags {
  std::string id, name, user;
  std::string scopes = "export";
  std::string expires;  // "90d"; empty: as the service decides
  std::string overlap = "1d";
  std::vector<std::string> types{}, prefixes{}, sources{};  // what it is limited to
  bool cut_off = false;
};
Result<void> run_token_list(Context& context, bool as_json, Streams streams);
Result<void> run_token_create(Context& context, const TokenFlags& flags, Streams streams);
Result<void> run_token_revoke(Context& context, const TokenFlags& flags, Streams streams);
Result<void> run_token_replace(Context& context, const TokenFlags& flags, Streams streams);
Result<void> run_whoami(Context& context, bool as_json, Streams streams);

Result<void> run_doctor(client::Profile profile, Streams streams);

}  // namespace valetkey::cli
