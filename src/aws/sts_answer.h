// SPDX-License-Identifier: Apache-2.0
// What STS answers, as AWS, Ceph and MinIO write it. Pure.
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/timestamp.h"
#include "http/client.h"
#include "sigv4/sign.h"

namespace valetkey::aws {

// What went wrong, as far as callers act upon it.
enum class StsFault : std::uint8_t {
  away,              // no answer, or 5xx: ask again
  throttled,         // ask again, and less
  clock,             // the clock of this machine is wrong
  own_expired,       // the server's own credentials have ended
  own_refused,       // they are unknown, or their secret is wrong
  denied,            // they may not assume this role, or the role does not trust them
  no_role,           // there is no such role (an engine that says so)
  chained_too_long,  // a role assumed by a role lives for an hour at most
  too_long,          // beyond the role's longest session, or below 15 minutes
  policy_too_large,
  policy_malformed,
  region_disabled,
  elsewhere,  // a redirect: another region or another server is meant
  not_sts,    // anything else than an answer of STS
};

// One sentence about the service at `endpoint`, for operators.
struct StsError {
  StsFault fault = StsFault::away;
  std::string detail;
};

struct StsSession {
  sigv4::SigningCredentials keys;
  Timestamp expires;
  std::string arn;                        // of the assumed role; empty where it was not said
  std::optional<unsigned> packed_policy;  // per cent of what a session may carry
};

// Reads the 200 answer of `action` (AssumeRole, AssumeRoleWithWebIdentity). `corrupt`, without a byte
// of it, for anything that is not exactly that.
Result<StsSession> parse_session(std::string_view xml, std::string_view action);
// The ARN in the 200 answer of GetCallerIdentity.
Result<std::string> parse_identity(std::string_view xml);

// Code and message of an error document, printable and bounded; empty where it is none.
struct StsRefusal {
  std::string code, message;
};
StsRefusal parse_refusal(std::string_view xml);

// What an answer other than 200 means. `endpoint` names the service in the sentence.
StsError explain(const http::ClientResponse& answer, const std::string& endpoint);

}  // namespace valetkey::aws
