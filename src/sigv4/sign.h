// SPDX-License-Identifier: Apache-2.0
// Signs requests, as the client and the tests need it. Pure. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/timestamp.h"
#include "sigv4/canonical.h"

namespace valetkey::sigv4 {

struct SigningCredentials {
  std::string access_key_id;
  Secret secret_access_key;
  std::optional<Secret> session_token;
};

struct ToSign {
  std::string method = "GET";
  std::string path;                                          // on the wire: percent-encoded
  std::string query;                                         // on the wire, without '?'
  std::vector<std::pair<std::string, std::string>> headers;  // Host at least
  std::string payload_hash = std::string(kUnsignedPayload);
  PathRule rule = PathRule::s3;
  std::string region = "us-east-1";
  std::string service = "s3";
};

// The headers to add: x-amz-date, x-amz-content-sha256 (service s3), x-amz-security-token,
// Authorization.
std::vector<std::pair<std::string, std::string>> sign_headers(const ToSign&,
                                                              const SigningCredentials&,
                                                              Timestamp now);
// The query string of a presigned request, X-Amz-Signature last.
std::string presign_query(const ToSign&, const SigningCredentials&, Timestamp now, seconds expires);

}  // namespace valetkey::sigv4
