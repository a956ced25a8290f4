// SPDX-License-Identifier: Apache-2.0
// The JSON protocol: a personal access token in, temporary credentials out, and the handling of
// tokens. One way for a request: match, authenticate, pace, do the work at its place, render. Called
// on every loop at once. The document of all of it is openapi.json, served at /openapi.json.
#pragma once

#include <memory>

#include "access/credentials.h"
#include "access/usage.h"
#include "api/authentication.h"
#include "api/intake.h"
#include "api/operations.h"
#include "api/options.h"
#include "api/paths.h"
#include "api/routes.h"
#include "api/turns.h"
#include "control/audit.h"
#include "control/change_feed.h"
#include "control/control_store.h"
#include "events/event_log.h"
#include "http/async.h"
#include "http/cors.h"
#include "http/server.h"

namespace valetkey::api {

// What the service stands on; all of it outlives the service.
struct Parts {
  control::ControlStore& store;
  control::ChangeFeed& feed;
  control::AuditLog& audit;
  Authenticator& authenticator;
  access::CredentialIssuer& issuer;
  access::Usage& usage;
  events::EventLog* log = nullptr;      // null: there is no POST /v1/events
  IntakeHooks* intake_hooks = nullptr;  // null: nothing is counted
  ReadStored stored = {};
};

class Service final : public http::Handler {
 public:
  Service(Parts parts, http::asio::thread_pool& blocking, Options options);
  std::size_t max_body_bytes(const http::Request& head) const override;
  http::Task<http::Response> handle(const http::Request& request) override;
  http::Response refuse(int status, const http::Request& head) const override;

 private:
  Answer<http::Response> answer_unmatched(const http::Request& request,
                                          const Match<Route>& match) const;
  std::optional<Problem> over_rate(const control::TokenGrant& who);
  http::Task<Answer<http::Response>> work(const Route& route, Call call);
  http::Response finish(const http::Request& request, const control::TokenGrant* who,
                        Answer<http::Response> answer) const;
  http::Response finish(const http::Request& request, http::Response response) const;

  Options options_;
  http::asio::thread_pool& blocking_;
  http::Origins origins_;
  Authenticator& authenticator_;
  Operations operations_;
  std::unique_ptr<http::asio::thread_pool> minting_;  // null: the issuer never waits
  Turns sums_{2};
  Turns exchanges_{1000};           // that wait for the issuer
  std::unique_ptr<Intake> intake_;  // null: there is no event log
};

}  // namespace valetkey::api
