// SPDX-License-Identifier: Apache-2.0
// What every command of the client works with: one loop, one session, one export. Single-threaded.
#pragma once

#include <memory>
#include <ostream>

#include "client/export.h"
#include "client/profile.h"

namespace valetkey::cli {

namespace asio = http::asio;
using http::Task;

struct Streams {
  std::ostream& out;
  std::ostream& err;
};

http::ClientOptions http_options(const client::Profile& profile);
client::SessionOptions session_options(const client::Profile& profile, milliseconds wait,
                                       client::StallMonitor* monitor = nullptr);

class Context {
 public:
  // `wait`: how long transient failures are retried.
  Context(client::Profile profile, milliseconds wait);

  asio::io_context& loop() { return loop_; }
  client::Session& session() { return session_; }
  client::Export& data() { return data_; }
  const client::Profile& profile() const { return profile_; }
  http::Client& http() { return http_; }

  milliseconds wait() const { return wait_; }
  void set_wait(milliseconds wait);
  // From now on says on `err` what it waits for where nothing moves for some seconds, and once
  // that the token ends soon.
  void tell(std::ostream& err) { told_ = &err; }

  // Runs the task to its end; its error is the command's. SIGINT and SIGTERM end the process with
  // exit status 1 after `on_interrupt`, which must leave everything in order.
  Result<void> run(Task<Result<void>> task, std::function<void()> on_interrupt = {});
  // What the session has, asked for where it has nothing yet.
  Result<client::GrantPtr> grant();

 private:
  void look();
  void tell_of_token_end();
  Task<void> look_again_and_again();

  milliseconds wait_;
  client::StallMonitor monitor_;
  std::ostream* told_ = nullptr;  // null: waits are not reported
  bool telling_ = false;
  bool told_of_end_ = false;
  client::Profile profile_;
  SystemClock clock_;
  asio::io_context loop_{1};
  http::Client http_;
  client::Session session_;
  client::Export data_;
};

// `invalid` where there is no token or no address, `denied` where the token would go in the clear.
Result<void> check_profile(const client::Profile& profile);
// A context for a profile that check_profile() accepts.
Result<std::unique_ptr<Context>> make_context(client::Profile profile, milliseconds wait);

// `invalid`, `denied`: the credentials open another bucket or account than named; empty: any.
Result<void> check_place(const client::Grant& grant, const std::string& bucket,
                         const std::string& account);

// The certificates that other tools must be told to trust to reach the endpoint; empty: none.
std::string trusted_by_tools(const client::Profile& profile, const client::Grant& grant,
                             const client::Environment& env);

std::string quote_shell(std::string_view text);  // only where a shell needs it

}  // namespace valetkey::cli
