// SPDX-License-Identifier: Apache-2.0
// What an operator sets for the API.
#pragma once

#include <string>
#include <vector>

#include "api/landing.h"
#include "base/timestamp.h"
#include "control/control_store.h"
#include "events/intake.h"
#include "limits/failure_limiter.h"

namespace valetkey::api {

struct Options {
  std::string bucket = "optimizely-events-data";
  std::string region = "us-east-1";
  std::string public_endpoint;  // URL of the S3 endpoint, told to clients; empty: they use AWS
  // For the landing page: the API's URL, empty where clients use the address that they called; the
  // listener's own, for those that do not say; and that of a listener of its own for events.
  std::string api_public_url, api_listener_url, intake_url;
  WebConsole console = WebConsole::not_built;  // of which the landing page speaks
  // Of credentials. SDKs that refresh by themselves always get max_duration.
  milliseconds min_duration = std::chrono::minutes(15);
  milliseconds default_duration = std::chrono::hours(1);
  milliseconds max_duration = std::chrono::hours(1);
  limits::LimiterOptions limiter;
  double token_requests_per_s = 0;  // of one token; 0: off
  control::TokenLimits token_limits;
  double token_creations_per_s = 0;  // of one user, and ten times as many of an account; 0: off
  std::vector<std::string> cors_origins;  // as http::Origins takes them
  // Of POST /v1/events, which exists where there is an event log.
  events::IntakeLimits intake;
  std::size_t max_intake_body_bytes = 3'500'000;
  // For events to become durable; then 503, although they may still: the client sends them again
  // and the export drops the second ones.
  milliseconds intake_wait = std::chrono::seconds(10);
};

}  // namespace valetkey::api
