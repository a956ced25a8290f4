// SPDX-License-Identifier: Apache-2.0
// What an operator sets for the API.
#pragma once

#include <string>
#include <vector>

#include "api/failure_limiter.h"
#include "base/timestamp.h"

namespace valetkey::api {

struct Options {
  std::string bucket = "optimizely-events-data";
  std::string region = "us-east-1";
  std::string public_endpoint;  // URL of the S3 endpoint, told to clients; empty: they use AWS
  std::string api_public_url;   // URL of this API, for the landing page
  // Of credentials. SDKs that refresh by themselves always get max_duration.
  milliseconds min_duration = std::chrono::minutes(15);
  milliseconds default_duration = std::chrono::hours(1);
  milliseconds max_duration = std::chrono::hours(1);
  LimiterOptions limiter;
  std::vector<std::string> cors_origins;  // exact, such as "https://console.example.com"
};

}  // namespace valetkey::api
