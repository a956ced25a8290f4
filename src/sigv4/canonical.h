// SPDX-License-Identifier: Apache-2.0
// AWS Signature Version 4, the stages that signer and verifier share. Pure, no I/O, no clock.
// Thread-safe. Source:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.h"
#include "base/secret.h"

namespace valetkey::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

// How the path enters the canonical request. S3 encodes the decoded path once and normalises
// nothing; other services normalise "." and ".." and encode twice (the published vectors).
enum class PathRule : std::uint8_t { s3, normalised, unnormalised };

// <date>/<region>/<service>/aws4_request
struct CredentialScope {
  std::string date;  // 20130524
  std::string region;
  std::string service;
  std::string str() const;
};

struct SignedHeader {
  std::string_view name;   // any case
  std::string_view value;  // as received; trimmed here, runs of white space folded to one space
};

// `path` as on the wire (percent-encoded), `query` as on the wire; `leave_out` names a query
// parameter that takes no part (X-Amz-Signature). Repeated headers are joined with ','.
// Invalid encodings are kept as they are.
std::string canonical_request(std::string_view method, std::string_view path, PathRule rule,
                              std::string_view query, std::string_view leave_out,
                              std::span<const SignedHeader> headers, std::string_view payload_hash);
// The two parts of it that come from the target. In a query '+' is a space, an empty piece is
// dropped and a name without '=' has an empty value.
std::string canonical_path(std::string_view path, PathRule rule);
std::string canonical_query(std::string_view query, std::string_view leave_out);
// The same from parts that are canonical already.
std::string join_canonical_request(std::string_view method, std::string_view canonical_path,
                                   std::string_view canonical_query,
                                   std::span<const SignedHeader> headers,
                                   std::string_view payload_hash);
std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical_request);
// HMAC chain over date, region, service; worth caching.
Secret signing_key(const Secret& secret_access_key, const CredentialScope& scope);
std::string signature(const Secret& signing_key,
                      std::string_view string_to_sign);  // lower-case hex

}  // namespace valetkey::sigv4
