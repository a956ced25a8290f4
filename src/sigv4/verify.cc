// SPDX-License-Identifier: Apache-2.0
#include "sigv4/verify.h"

#include <vector>

#include "base/encoding.h"
#include "base/text.h"

namespace valetkey::sigv4 {

Result<void, Refusal> verify(const http::Request& request, const Claim& claim, const Secret& key) {
  std::vector<SignedHeader> headers;
  headers.reserve(request.headers.size());
  std::size_t found = 0;
  for (const std::string& name : claim.signed_headers) {
    const std::size_t before = headers.size();
    for (const http::Header& header : request.headers)
      if (equal_ignoring_case(header.name, name)) headers.push_back({header.name, header.value});
    found += headers.size() > before ? 1 : 0;
  }
  if (found != claim.signed_headers.size()) return std::unexpected(Refusal::mismatch);
  const std::string canonical =
      join_canonical_request(request.method_name, canonical_path(request.path, PathRule::s3),
                             claim.canonical_query, headers, claim.payload_hash);
  const std::string expected =
      signature(key, string_to_sign(claim.amz_date, claim.scope, canonical));
  if (!equal_in_constant_time(expected, claim.signature)) return std::unexpected(Refusal::mismatch);
  return {};
}

bool payload_matches(std::string_view body, std::string_view payload_hash) {
  if (payload_hash == kUnsignedPayload) return true;
  return equal_ignoring_case(payload_hash,
                             body.empty() ? std::string(kEmptySha256) : sha256_hex(body));
}

}  // namespace valetkey::sigv4
