// SPDX-License-Identifier: Apache-2.0
// The pieces that the header form and the presigned form of a claim have in common. Internal to
// this module.
#pragma once

#include <optional>
#include <string_view>

#include "sigv4/internal/canonical_query.h"
#include "sigv4/verify.h"

namespace valetkey::sigv4 {

inline constexpr std::string_view kAuthorization = "authorization";
inline constexpr std::string_view kDateHeader = "x-amz-date";
inline constexpr std::string_view kHashHeader = "x-amz-content-sha256";
inline constexpr std::string_view kTokenHeader = "x-amz-security-token";

// "<access key id>/<date>/<region>/s3/aws4_request" into the claim. False: not of that form.
bool read_credential(std::string_view text, Claim& claim);
// "host;x-amz-date" into the claim. False unless lower case, sorted, without repeats, at most 100.
bool read_signed_headers(std::string_view text, Claim& claim);
// YYYYMMDDTHHMMSSZ into the claim. False for another form, or a day that is not the scope's.
bool read_amz_date(std::string_view text, Claim& claim);
// 64 lower-case hex digits, UNSIGNED-PAYLOAD, or a STREAMING- form (which no read carries).
bool is_payload_hash(std::string_view text);

// What each form claims, times not yet looked at.
Result<Claim, Refusal> read_header_claim(const http::Request& request,
                                         std::string_view authorization);
Result<Claim, Refusal> read_query_claim(const http::Request& request, const CanonicalQuery& query);

}  // namespace valetkey::sigv4
