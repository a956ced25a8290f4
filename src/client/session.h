// SPDX-License-Identifier: Apache-2.0
// Credentials that are always valid: exchanged on demand, early by the smaller of five minutes and
// a fifth of their life, one exchange shared by all waiters. Belongs to one loop; not thread-safe.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/steady_clock.h"
#include "client/exchange.h"
#include "client/pause.h"
#include "client/stall_monitor.h"

namespace valetkey::client {

struct SessionOptions {
  std::string api = "http://127.0.0.1:8080";
  Secret token;
  bool allow_http = false;  // to another machine: secrets in the clear
  // How long a failing service is asked again once no valid credentials are left.
  milliseconds patience{std::chrono::minutes(15)};
  milliseconds first_pause{200};
  milliseconds longest_pause{std::chrono::seconds(20)};
  // Credentials handed out live longer than this where the service gives longer ones.
  milliseconds least_left{0};
  StallMonitor* monitor = nullptr;  // outlives the session; null: waits are not reported
};

using GrantPtr = std::shared_ptr<const Grant>;  // shared: requests under way keep the former one

class Session {
 public:
  // All of them outlive the session.
  Session(http::asio::io_context& loop, http::Client& http, const Clock& clock,
          SessionOptions options, const SteadyClock& steady = SteadyClock::system());

  // Credentials that are valid now. While the service is down, the old ones as long as they live.
  // `denied`: the token is refused, or would go in the clear, or the server's certificate is not
  // trusted; `io`: nothing is there; `unavailable`: no answer within `patience`;
  // `corrupt`: something else than an exchange answered.
  http::Task<Result<GrantPtr>> get();
  // The same after a server called `refused` expired: never returns `refused` again.
  http::Task<Result<GrantPtr>> replace(GrantPtr refused);

  void set_patience(milliseconds patience) { options_.patience = patience; }
  unsigned exchanges() const { return exchanges_; }  // that succeeded
  const GrantPtr& latest() const { return grant_; }  // null: there is none yet

 private:
  bool valid(Timestamp now) const { return grant_ && now < grant_->expires; }
  http::Task<Result<GrantPtr>> fetch_for_all();
  http::Task<Result<Grant>> exchange_patiently();
  http::Task<Result<Grant>> exchange_once();
  void take(Grant grant);

  http::asio::io_context& loop_;
  http::Client& http_;
  const Clock& clock_;
  const SteadyClock& steady_;
  SessionOptions options_;
  GrantPtr grant_;
  Timestamp refresh_at_;
  unsigned failures_ = 0;  // of early refreshes, in a row
  bool fetching_ = false;
  bool asks_for_an_hour_ = true;  // until the service says that it gives none
  Error last_error_;
  Timer fetched_;  // cancelled when an exchange has ended
  unsigned exchanges_ = 0;
};

// When credentials of that life are fetched again, before jitter: how long before they end.
milliseconds refresh_margin(milliseconds life, milliseconds least_left = milliseconds(0));

}  // namespace valetkey::client
