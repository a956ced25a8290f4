// SPDX-License-Identifier: Apache-2.0
#include "sigv4/internal/claim_parts.h"

#include <algorithm>
#include <array>

namespace valetkey::sigv4 {
namespace {

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

}  // namespace

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

bool read_amz_date(std::string_view text, Claim& claim) {
  const Result<Timestamp> at = parse_amz_date(text);
  if (!at || !text.starts_with(claim.scope.date) || claim.scope.date.size() != 8) return false;
  claim.amz_date = text;
  claim.signed_at = *at;
  return true;
}

bool is_payload_hash(std::string_view text) {
  if (text == kUnsignedPayload) return true;
  if (std::ranges::find(kStreamingPayloads, text) != kStreamingPayloads.end()) return true;
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

}  // namespace valetkey::sigv4
