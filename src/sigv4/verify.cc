// SPDX-License-Identifier: Apache-2.0
#include "sigv4/verify.h"

#include <algorithm>

#include "base/encoding.h"
#include "sigv4/internal/claim_parts.h"

namespace valetkey::sigv4 {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool name_before(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(a, b, {}, lower, lower);
}
bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}
bool is_amz(std::string_view name) { return same_name(name.substr(0, 6), "x-amz-"); }

// Decodable, without NUL, UTF-8: the only texts that can name anything here.
bool is_well_encoded(std::string_view text) {
  const auto plain = [](char c) { return c > '\0' && c < '\x7f' && c != '%'; };
  if (std::ranges::all_of(text, plain)) return true;
  const Result<std::string> bytes = percent_decode(text);
  return bytes && !bytes->contains('\0') && is_utf8(*bytes);
}

// Headers on which a decision rests: two of one name would let two readers see two requests.
bool repeats_header(const http::Request& request) {
  std::vector<std::string_view> names;
  for (const http::Header& header : request.headers)
    if (is_amz(header.name) || same_name(header.name, kAuthorization) ||
        same_name(header.name, "host"))
      names.push_back(header.name);
  std::ranges::sort(names, name_before);
  return std::ranges::adjacent_find(names, same_name) != names.end();
}

bool has_any(const CanonicalQuery& query, std::initializer_list<std::string_view> names) {
  return std::ranges::any_of(names, [&](auto name) { return query.find(name) != nullptr; });
}

Result<Claim, Refusal> read_either_form(const http::Request& request, const CanonicalQuery& query) {
  const auto authorization = request.header(kAuthorization);
  const bool version_2 = has_any(query, {"AWSAccessKeyId", "Signature"});
  const bool presigned = has_any(query, {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"});
  if (authorization && (version_2 || presigned || has_any(query, {"X-Amz-Security-Token"})))
    return std::unexpected(Refusal::both_forms);
  if (version_2 && presigned) return std::unexpected(Refusal::both_forms);
  if (version_2) return std::unexpected(Refusal::unsupported);
  if (presigned) return read_query_claim(request, query);
  if (!authorization) return std::unexpected(Refusal::no_credentials);
  return read_header_claim(request, *authorization);
}

bool is_signed(const Claim& claim, std::string_view name) {
  return std::ranges::any_of(claim.signed_headers, [&](const std::string& signed_name) {
    return same_name(signed_name, name);
  });
}

bool signs_what_it_must(const http::Request& request, const Claim& claim) {
  return is_signed(claim, "host") &&
         std::ranges::all_of(request.headers, [&](const http::Header& header) {
           return !is_amz(header.name) || is_signed(claim, header.name);
         });
}

Result<void, Refusal> check_times(const Claim& claim, Timestamp now) {
  if (!claim.presigned) {
    if (claim.signed_at > now + kMaxSkew || claim.signed_at < now - kMaxSkew)
      return std::unexpected(Refusal::skewed);
    return {};
  }
  if (claim.signed_at > now + kMaxSkew) return std::unexpected(Refusal::not_yet_valid);
  if (now >= claim.signed_at + claim.expires) return std::unexpected(Refusal::expired);
  return {};
}

}  // namespace

Result<Claim, Refusal> read_claim(const http::Request& request, Timestamp now) {
  if (!is_well_encoded(request.path) || !is_well_encoded(request.query))
    return std::unexpected(Refusal::bad_encoding);
  const CanonicalQuery query(request.query);
  if (query.has_repeated_name() || repeats_header(request))
    return std::unexpected(Refusal::repeated);
  Result<Claim, Refusal> claim = read_either_form(request, query);
  if (!claim) return claim;
  claim->canonical_query = query.str(claim->presigned ? "X-Amz-Signature" : "");
  if (!signs_what_it_must(request, *claim)) return std::unexpected(Refusal::unsigned_header);
  if (const auto timely = check_times(*claim, now); !timely) return std::unexpected(timely.error());
  return claim;
}

Result<void, Refusal> verify(const http::Request& request, const Claim& claim, const Secret& key) {
  std::vector<SignedHeader> headers;
  headers.reserve(request.headers.size());
  std::size_t found = 0;
  for (const std::string& name : claim.signed_headers) {
    const std::size_t before = headers.size();
    for (const http::Header& header : request.headers)
      if (same_name(header.name, name)) headers.push_back({header.name, header.value});
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
  return http::equal_ignoring_case(payload_hash,
                                   body.empty() ? std::string(kEmptySha256) : sha256_hex(body));
}

}  // namespace valetkey::sigv4
