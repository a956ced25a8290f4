// SPDX-License-Identifier: Apache-2.0
#include "sigv4/canonical.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/text.h"
#include "sigv4/internal/canonical_query.h"

namespace valetkey::sigv4 {
namespace {

constexpr std::string_view kTerminator = "aws4_request";

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// In canonical order; headers of one name stay in the order of the request.
using Sorted = std::span<const SignedHeader* const>;

bool same_name(const SignedHeader& a, const SignedHeader& b) {
  return std::ranges::equal(a.name, b.name, {}, lower, lower);
}
bool comes_before(const SignedHeader* a, const SignedHeader* b) {
  if (same_name(*a, *b)) return a < b;
  return std::ranges::lexicographical_compare(a->name, b->name, {}, lower, lower);
}
std::vector<const SignedHeader*> sort(std::span<const SignedHeader> headers) {
  std::vector<const SignedHeader*> sorted(headers.size());
  std::ranges::transform(headers, sorted.begin(), [](const SignedHeader& h) { return &h; });
  std::ranges::sort(sorted, comes_before);
  return sorted;
}

void append_lower(std::string& out, std::string_view name) {
  const std::size_t start = out.size();
  out.append(name);
  for (std::size_t i = start; i < out.size(); ++i) out[i] = lower(out[i]);
}

// Word by word: most values are one.
void append_folded(std::string& out, std::string_view value) {
  const std::size_t start = out.size();
  for (auto rest = value.begin(); rest != value.end();) {
    const auto word = std::find_if_not(rest, value.end(), is_space);
    rest = std::find_if(word, value.end(), is_space);
    if (word == rest) return;
    if (out.size() > start) out.push_back(' ');
    out.append(word, rest);
  }
}

// Visits each distinct name once, with the headers that bear it.
template <class Visit>
void for_each_name(Sorted sorted, Visit visit) {
  while (!sorted.empty()) {
    std::size_t count = 1;
    while (count < sorted.size() && same_name(*sorted[0], *sorted[count])) ++count;
    visit(sorted.first(count));
    sorted = sorted.subspan(count);
  }
}

void append_headers(std::string& out, Sorted sorted) {
  for_each_name(sorted, [&](Sorted same) {
    append_lower(out, same[0]->name);
    for (const SignedHeader* header : same) {
      out.push_back(header == same[0] ? ':' : ',');
      append_folded(out, header->value);
    }
    out.push_back('\n');
  });
}

void append_names(std::string& out, Sorted sorted) {
  bool first = true;
  for_each_name(sorted, [&](Sorted same) {
    if (!first) out.push_back(';');
    first = false;
    append_lower(out, same[0]->name);
  });
}

// RFC 3986 section 5.2.4, and several slashes count as one: what services other than S3 do.
std::string normalise(std::string_view path) {
  std::vector<std::string_view> segments;
  const std::string_view last = path.substr(path.rfind('/') + 1);
  const bool ends_in_slash = last.empty() || last == "." || last == "..";
  while (!path.empty()) {
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), segment.size() + 1));
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (segment.empty() || segment == "." || segment == "..") continue;
    segments.push_back(segment);
  }
  std::string out;
  for (const std::string_view segment : segments) out.append("/").append(segment);
  if (ends_in_slash || segments.empty()) out.push_back('/');
  return out;
}

std::size_t size_of(std::span<const SignedHeader> headers) {
  std::size_t size = 0;
  for (const SignedHeader& header : headers)
    size += 2 * header.name.size() + header.value.size() + 4;
  return size;
}

}  // namespace

std::string CredentialScope::str() const {
  std::string out;
  out.reserve(date.size() + region.size() + service.size() + kTerminator.size() + 3);
  out.append(date).append("/").append(region).append("/").append(service).append("/");
  return out.append(kTerminator);
}

std::string canonical_path(std::string_view path, PathRule rule) {
  std::string out;
  out.reserve(path.size() + 32);
  const EncodeRule encode{.decode = rule == PathRule::s3, .keep_slash = true};
  if (rule == PathRule::normalised)
    append_encoded(out, normalise(path), encode);
  else
    append_encoded(out, path, encode);
  if (out.empty()) out.push_back('/');
  return out;
}

std::string canonical_query(std::string_view query, std::string_view leave_out) {
  return CanonicalQuery(query).str(leave_out);
}

std::string canonical_request(std::string_view method, std::string_view path, PathRule rule,
                              std::string_view query, std::string_view leave_out,
                              std::span<const SignedHeader> headers,
                              std::string_view payload_hash) {
  return join_canonical_request(method, canonical_path(path, rule),
                                canonical_query(query, leave_out), headers, payload_hash);
}

std::string join_canonical_request(std::string_view method, std::string_view canonical_path,
                                   std::string_view canonical_query,
                                   std::span<const SignedHeader> headers,
                                   std::string_view payload_hash) {
  const std::vector<const SignedHeader*> sorted = sort(headers);
  std::string out;
  out.reserve(method.size() + canonical_path.size() + canonical_query.size() + size_of(headers) +
              payload_hash.size() + 8);
  out.append(method).append("\n").append(canonical_path).append("\n").append(canonical_query);
  out.push_back('\n');
  append_headers(out, sorted);
  out.push_back('\n');
  append_names(out, sorted);
  return out.append("\n").append(payload_hash);
}

std::string string_to_sign(std::string_view amz_date, const CredentialScope& scope,
                           std::string_view canonical_request) {
  std::string out;
  out.reserve(192);
  out.append(kAlgorithm).append("\n").append(amz_date).append("\n").append(scope.str());
  return out.append("\n").append(sha256_hex(canonical_request));
}

Secret signing_key(const Secret& secret_access_key, const CredentialScope& scope) {
  std::string first;
  first.reserve(4 + secret_access_key.size());  // so that no copy of the secret is left behind
  first.append("AWS4").append(secret_access_key.reveal());
  Digest256 key = hmac_sha256(first, scope.date);
  wipe(first);
  key = hmac_sha256(as_text(key), scope.region);
  key = hmac_sha256(as_text(key), scope.service);
  key = hmac_sha256(as_text(key), kTerminator);
  return Secret(std::string(as_text(key)));
}

std::string signature(const Secret& signing_key, std::string_view string_to_sign) {
  return hex(as_text(hmac_sha256(signing_key.reveal(), string_to_sign)));
}

}  // namespace valetkey::sigv4
