// SPDX-License-Identifier: Apache-2.0
// Where the AWS credentials of this process come from: the providers, and the order in which they
// are asked. Each provider reads the environment, a file or the output of a program, and makes one
// request at most (the instance's makes three); nothing is kept between calls. May block.
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/timestamp.h"
#include "http/fetch.h"
#include "sigv4/sign.h"

namespace valetkey::aws {

using Environment = std::function<const char*(const char* name)>;  // null: not set

struct OwnKeys {
  sigv4::SigningCredentials keys;
  std::optional<Timestamp> expires;  // none: they do not say
  std::string from;                  // "the environment", "profile reader", …: for people
};

// All that a provider may touch.
struct Surroundings {
  Environment env;
  http::Fetcher& network;   // for STS
  http::Fetcher& metadata;  // for servers of this machine, which answer at once or not at all
  std::string region = "us-east-1";  // of the STS that is asked
};

// Nothing: not configured. An error: configured, but it does not work.
using Found = Result<std::optional<OwnKeys>>;

// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. `invalid` where one of the first two
// is missing.
Found from_environment(const Surroundings& around);
// AWS_WEB_IDENTITY_TOKEN_FILE, read again each time, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME.
Found from_web_identity(const Surroundings& around, Timestamp now);
// AWS_PROFILE, or `name` where given, in AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE: keys,
// credential_process, role_arn with source_profile, credential_source or web_identity_token_file.
Found from_profile(const Surroundings& around, Timestamp now, std::string name = {});
// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (https, loopback, or the addresses of ECS and
// EKS), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, read again each time, or _TOKEN.
Found from_container(const Surroundings& around, Timestamp now);
// The instance metadata service, version 2 alone. Nothing where AWS_EC2_METADATA_DISABLED is true or
// no such service answers.
Found from_instance(const Surroundings& around, Timestamp now);

// The first of them, in this order, that is configured; with a `profile`, that one alone.
// `not_found`, with what to set, where none is.
Result<OwnKeys> find_credentials(const Surroundings& around, const std::string& profile,
                                 Timestamp now);

}  // namespace valetkey::aws
