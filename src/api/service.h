// SPDX-License-Identifier: Apache-2.0
// The JSON protocol: a personal access token in, temporary credentials out, and the handling of
// tokens. Called on every loop at once; holds no state but the failure limiter and the count of
// running look-ups. The document of all of it is openapi.json, served at /openapi.json.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/credentials.h"
#include "access/token_gate.h"
#include "access/usage.h"
#include "api/account_usage.h"
#include "api/authentication.h"
#include "api/exchange.h"
#include "api/intake.h"
#include "api/options.h"
#include "api/routes.h"
#include "api/tokens.h"
#include "api/turns.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "http/async.h"
#include "http/cors.h"
#include "http/server.h"
#include "limits/pace.h"

namespace valetkey::api {

// What the service stands on; all of it outlives the service.
struct Parts {
  control::ControlStore& store;
  control::ChangeFeed& feed;
  control::AuditLog& audit;
  const access::TokenGate& gate;
  access::CredentialIssuer& issuer;
  access::Usage& usage;
  events::EventLog* log = nullptr;      // null: there is no POST /v1/events
  IntakeHooks* intake_hooks = nullptr;  // null: nobody counts
  ReadStored stored = {};
};

class Service final : public http::Handler {
 public:
  Service(Parts parts, http::asio::thread_pool& blocking, Options options);
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  std::optional<http::Response> answer_stranger(const http::Request& request, const Match& match);
  static http::Response refuse_stranger(const Problem& problem, const http::Request& request);
  std::optional<Problem> over_rate(const control::TokenGrant& grant);
  std::optional<http::Response> answer_at_once(const http::Request& request, Action action,
                                               const control::TokenGrant& grant);
  http::Task<http::Response> answer_later(const http::Request& request, const Match& match,
                                          control::TokenGrant grant);
  http::Task<http::Response> exchange(const http::Request& request, control::TokenGrant grant,
                                      CredentialsForm form);
  http::Task<http::Response> list_tokens(const http::Request& request, control::TokenGrant grant);
  http::Task<http::Response> show_token(const http::Request& request, control::TokenGrant grant,
                                        std::string_view id);
  http::Task<http::Response> account_usage(const http::Request& request, control::TokenGrant grant);
  http::Task<http::Response> create_token(const http::Request& request, control::TokenGrant grant);
  http::Task<http::Response> revoke_token(const http::Request& request, control::TokenGrant grant,
                                          std::string_view id);
  http::Response account(const control::TokenGrant& grant) const;
  http::Response preflight(const std::string& methods) const;
  std::string url_of(const http::Request& request) const;
  http::Response landing(const http::Request& request) const;
  http::Response finish(const http::Request& request, http::Response response) const;

  Options options_;
  http::asio::thread_pool& blocking_;
  http::Origins origins_;
  Authenticator authenticator_;
  limits::Rates rates_;
  Exchange exchange_;
  std::unique_ptr<http::asio::thread_pool> minting_;  // null: the issuer never waits
  static constexpr int kMaxWaitingExchanges = 1000;
  std::atomic<int> waiting_exchanges_ = 0;
  Tokens tokens_;
  AccountUsage usage_;
  Turns sums_{2};                   // of the pool's threads: adding up what is stored takes long
  std::unique_ptr<Intake> intake_;  // null: there is no event log
};

}  // namespace valetkey::api
