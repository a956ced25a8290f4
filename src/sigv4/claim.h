// SPDX-License-Identifier: Apache-2.0
// What a request claims of its signer, from its Authorization header or its presigned query.
// Pure: no I/O, no clock. Thread-safe.
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "http/message.h"
#include "sigv4/canonical.h"

namespace valetkey::sigv4 {

// Why a request is refused; s3/error.cc maps each to a status and a code.
enum class Refusal : std::uint8_t {
  no_credentials,     // neither Authorization nor X-Amz-Algorithm
  unsupported,        // Signature Version 2, or an unknown algorithm in the header
  malformed_header,   // Authorization or its scope; a date of the scope other than the request's
  malformed_query,    // presigned parameters, scope and algorithm included
  both_forms,         // header and query credentials together
  repeated,           // a repeated query parameter, x-amz-* header or session token
  no_payload_hash,    // header form without x-amz-content-sha256
  payload_hash_form,  // x-amz-content-sha256 in no form that S3 knows
  skewed,             // |now - signed_at| > 15 min
  expired,            // presigned and now >= signed_at + expires
  not_yet_valid,      // presigned in the future beyond the skew
  unsigned_header,    // an x-amz-* header or Host not among SignedHeaders
  mismatch,           // the signature is not what the key gives
  bad_encoding,       // path or query with a broken percent-encoding, NUL or invalid UTF-8
};

struct Claim {
  bool presigned = false;
  std::string access_key_id;
  std::optional<std::string> session_token;
  CredentialScope scope;  // service is "s3", region as claimed
  std::string amz_date;   // the text that was signed, or Date in this form
  Timestamp signed_at;
  seconds expires{0};                       // presigned only, 1 s to 7 days
  std::vector<std::string> signed_headers;  // lower case, sorted
  std::string signature;     // as claimed: one that is not 64 lower-case hex digits is a mismatch
  std::string payload_hash;  // x-amz-content-sha256, or UNSIGNED-PAYLOAD
  std::string canonical_query;  // of the request, X-Amz-Signature left out
};

inline constexpr seconds kMaxSkew{15 * 60};
inline constexpr seconds kMaxPresign{7 * 24 * 3600};

// What the request claims; everything that can be refused without a key is refused here, in the
// order of docs/security.md, the times included.
Result<Claim, Refusal> read_claim(const http::Request& request, Timestamp now);

}  // namespace valetkey::sigv4
