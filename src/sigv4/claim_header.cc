// SPDX-License-Identifier: Apache-2.0
// The header form: Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
#include <algorithm>

#include "sigv4/internal/claim_parts.h"

namespace valetkey::sigv4 {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

struct Parameters {
  std::string_view credential;
  std::string_view signed_headers;
  std::string_view signature;

  std::string_view* named(std::string_view name) {
    if (name == "Credential") return &credential;
    if (name == "SignedHeaders") return &signed_headers;
    return name == "Signature" ? &signature : nullptr;
  }
};

// Each of the three exactly once, in any order; signers put a space after the comma or none.
bool read_parameters(std::string_view text, Parameters& out) {
  while (!text.empty()) {
    const std::string_view whole = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), whole.size() + 1));
    const std::string_view piece = trim(whole);
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return false;
    std::string_view* const value = out.named(piece.substr(0, equals));
    if (value == nullptr || !value->empty()) return false;
    *value = piece.substr(equals + 1);
    if (value->empty()) return false;
  }
  return !out.credential.empty() && !out.signed_headers.empty() && !out.signature.empty();
}

// x-amz-date, else Date, which clients write as HTTP dates or in Amazon's form.
bool read_date(const http::Request& request, Claim& claim) {
  if (const auto date = request.header(kDateHeader)) return read_amz_date(*date, claim);
  const auto date = request.header("date");
  if (!date) return false;
  const Result<Timestamp> at = parse_http_date(*date);
  return read_amz_date(at ? format_amz_date(*at) : std::string(*date), claim);
}

}  // namespace

Result<Claim, Refusal> read_header_claim(const http::Request& request,
                                         std::string_view authorization) {
  const std::string_view scheme = authorization.substr(0, authorization.find(' '));
  if (scheme != kAlgorithm) return std::unexpected(Refusal::unsupported);
  Parameters parameters;
  Claim claim;
  if (!read_parameters(authorization.substr(scheme.size()), parameters) ||
      !read_credential(parameters.credential, claim) ||
      !read_signed_headers(parameters.signed_headers, claim) || !read_date(request, claim))
    return std::unexpected(Refusal::malformed_header);
  claim.signature = parameters.signature;
  const auto hash = request.header(kHashHeader);
  if (!hash) return std::unexpected(Refusal::no_payload_hash);
  if (!is_payload_hash(*hash)) return std::unexpected(Refusal::payload_hash_form);
  claim.payload_hash = *hash;
  if (const auto token = request.header(kTokenHeader)) claim.session_token = *token;
  return claim;
}

}  // namespace valetkey::sigv4
