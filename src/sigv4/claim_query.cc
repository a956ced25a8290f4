// SPDX-License-Identifier: Apache-2.0
// The presigned form: X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders and -Signature
// in the query.
#include <charconv>

#include "base/encoding.h"
#include "sigv4/internal/claim_parts.h"

namespace valetkey::sigv4 {
namespace {

std::string decoded(const CanonicalQuery& query, std::string_view name) {
  const CanonicalQuery::Item* item = query.find(name);
  return item == nullptr ? std::string() : percent_decode(item->value).value_or(std::string());
}

bool read_expires(std::string_view text, Claim& claim) {
  std::uint32_t value = 0;
  if (text.empty() || text.size() > 6) return false;  // 604800 has six digits
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  claim.expires = seconds(value);
  return claim.expires >= seconds(1) && claim.expires <= kMaxPresign;
}

// A presigned request says UNSIGNED-PAYLOAD by saying nothing; some SDKs say it in the query, and a
// header counts as it does in the other form. Two that differ are one claim too many.
bool read_payload_hash(const http::Request& request, const CanonicalQuery& query, Claim& claim) {
  const std::string in_query = decoded(query, "X-Amz-Content-Sha256");
  const auto in_header = request.header(kHashHeader);
  if (in_header && !in_query.empty() && *in_header != in_query) return false;
  claim.payload_hash = in_header ? std::string(*in_header) : in_query;
  if (!in_header && query.find("X-Amz-Content-Sha256") == nullptr)
    claim.payload_hash = kUnsignedPayload;
  return true;
}

bool read_parameters(const CanonicalQuery& query, Claim& claim) {
  claim.presigned = true;
  claim.signature = decoded(query, "X-Amz-Signature");
  return !claim.signature.empty() && decoded(query, "X-Amz-Algorithm") == kAlgorithm &&
         read_credential(decoded(query, "X-Amz-Credential"), claim) &&
         read_amz_date(decoded(query, "X-Amz-Date"), claim) &&
         read_expires(decoded(query, "X-Amz-Expires"), claim) &&
         read_signed_headers(decoded(query, "X-Amz-SignedHeaders"), claim);
}

}  // namespace

Result<Claim, Refusal> read_query_claim(const http::Request& request, const CanonicalQuery& query) {
  Claim claim;
  if (!read_parameters(query, claim) || !read_payload_hash(request, query, claim))
    return std::unexpected(Refusal::malformed_query);
  if (!is_payload_hash(claim.payload_hash)) return std::unexpected(Refusal::payload_hash_form);
  const auto header = request.header(kTokenHeader);
  if (query.find("X-Amz-Security-Token") != nullptr) {
    if (header) return std::unexpected(Refusal::repeated);
    claim.session_token = decoded(query, "X-Amz-Security-Token");
  } else if (header) {
    claim.session_token = *header;  // signed: unsigned x-amz-* headers are refused
  }
  return claim;
}

}  // namespace valetkey::sigv4
