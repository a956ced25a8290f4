// SPDX-License-Identifier: Apache-2.0
#include "sigv4/claim.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/text.h"
#include "sigv4/internal/canonical_query.h"

namespace valetkey::sigv4 {
namespace {

constexpr std::string_view kAuthorization = "authorization";
constexpr std::string_view kDateHeader = "x-amz-date";
constexpr std::string_view kHashHeader = "x-amz-content-sha256";
constexpr std::string_view kTokenHeader = "x-amz-security-token";

// --- what both forms have in common ---

constexpr std::size_t kMaxSignedHeaders = 100;
constexpr std::size_t kMaxCredentialPart = 128;
constexpr auto kStreamingPayloads = std::to_array<std::string_view>({
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
});

// Visible ASCII: what enters the string to sign can hold no line break.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= kMaxCredentialPart &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

bool is_lower_token(std::string_view name) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kMarks.contains(c);
  });
}

std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view piece = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), piece.size() + 1));
  return piece;
}

// "<access key id>/<date>/<region>/s3/aws4_request" into the claim. False: not of that form.
bool read_credential(std::string_view text, Claim& claim) {
  if (std::ranges::count(text, '/') != 4) return false;
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) part = take_until(text, '/');
  const auto& [key, date, region, service, terminator] = parts;
  if (!is_plain(key) || !is_plain(date) || !is_plain(region)) return false;
  if (service != "s3" || terminator != "aws4_request") return false;
  claim.access_key_id = key;
  claim.scope = {std::string(date), std::string(region), std::string(service)};
  return true;
}

// "host;x-amz-date" into the claim. False unless lower case, sorted, without repeats, at most 100.
bool read_signed_headers(std::string_view text, Claim& claim) {
  if (text.empty() || text.back() == ';') return false;
  while (!text.empty()) {
    const std::string_view name = take_until(text, ';');
    if (!is_lower_token(name) || claim.signed_headers.size() == kMaxSignedHeaders) return false;
    if (!claim.signed_headers.empty() && name <= claim.signed_headers.back()) return false;
    claim.signed_headers.emplace_back(name);
  }
  return true;
}

// YYYYMMDDTHHMMSSZ into the claim. False for another form, or a day that is not the scope's.
bool read_amz_date(std::string_view text, Claim& claim) {
  const Result<Timestamp> at = parse_amz_date(text);
  if (!at || !text.starts_with(claim.scope.date) || claim.scope.date.size() != 8) return false;
  claim.amz_date = text;
  claim.signed_at = *at;
  return true;
}

// 64 hex digits, UNSIGNED-PAYLOAD, or a STREAMING- form (which no read carries).
bool is_payload_hash(std::string_view text) {
  if (text == kUnsignedPayload) return true;
  if (std::ranges::find(kStreamingPayloads, text) != kStreamingPayloads.end()) return true;
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// --- Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=… ---

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

// --- the presigned form: X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders, -Signature ---

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

// --- what is refused of either ---

bool name_before(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(a, b, {}, lower, lower);
}
bool is_amz(std::string_view name) { return equal_ignoring_case(name.substr(0, 6), "x-amz-"); }

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
    if (is_amz(header.name) || equal_ignoring_case(header.name, kAuthorization) ||
        equal_ignoring_case(header.name, "host"))
      names.push_back(header.name);
  std::ranges::sort(names, name_before);
  return std::ranges::adjacent_find(names, equal_ignoring_case) != names.end();
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
    return equal_ignoring_case(signed_name, name);
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

}  // namespace valetkey::sigv4
