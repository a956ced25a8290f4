// SPDX-License-Identifier: Apache-2.0
#include "aws/session_policy.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "base/encoding.h"

namespace valetkey::aws {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxPrefix = 900;

std::unexpected<Error> bad_prefix(std::string_view why) {
  return fail(ErrorCode::invalid, "a prefix " + std::string(why));
}

// The characters of a policy end at U+00FF.
bool is_latin1(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_sequence(text);
    const auto lead = static_cast<unsigned char>(text.front());
    if (bytes == 0 || bytes > 2 || (bytes == 2 && lead > 0xC3)) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

bool has_odd_part(std::string_view prefix) {
  while (!prefix.empty()) {
    const auto slash = prefix.find('/');
    const std::string_view part = prefix.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return true;
    prefix.remove_prefix(slash + 1);  // it ends in '/'
  }
  return false;
}

json::array texts(const std::vector<std::string>& values, std::string_view before,
                  std::string_view after) {
  json::array out;
  for (const std::string& value : values)
    out.emplace_back(std::string(before).append(value).append(after));
  return out;
}

json::object statement(json::array actions, json::array resources, json::object condition) {
  json::object out{
      {"Effect", "Allow"}, {"Action", std::move(actions)}, {"Resource", std::move(resources)}};
  if (!condition.empty()) out["Condition"] = std::move(condition);
  return out;
}

}  // namespace

Result<void> check_prefix(std::string_view prefix) {
  if (prefix.empty() || prefix.size() > kMaxPrefix) return bad_prefix("is 1 to 900 bytes long");
  if (!prefix.ends_with('/')) return bad_prefix("ends with '/'");
  if (prefix.find_first_of("*?$") != std::string_view::npos)
    return bad_prefix("holds none of *, ? and $, which a policy would read as a pattern");
  if (!std::ranges::all_of(
          prefix, [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F; }))
    return bad_prefix("holds no control characters");
  if (!is_latin1(prefix)) return bad_prefix("holds only characters that a policy can: Latin-1");
  if (has_odd_part(prefix)) return bad_prefix("has no part that is empty, '.' or '..'");
  return {};
}

Result<void> check_bucket(std::string_view bucket) {
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto inner = [edge](char c) { return edge(c) || c == '-' || c == '.'; };
  if (bucket.size() >= 3 && bucket.size() <= 63 && std::ranges::all_of(bucket, inner) &&
      edge(bucket.front()) && edge(bucket.back()))
    return {};
  return fail(ErrorCode::invalid,
              "a bucket is 3 to 63 characters of a-z, 0-9, '-' and '.', starting and ending with a "
              "letter or digit");
}

Result<std::string> prefix_policy(const PrefixBound& bound) {
  VALETKEY_CHECK(check_bucket(bound.bucket));
  if (bound.prefixes.empty()) return bad_prefix("is needed: a policy without one is everything");
  for (const std::string& prefix : bound.prefixes) VALETKEY_CHECK(check_prefix(prefix));
  const std::string bucket = "arn:" + bound.partition + ":s3:::" + bound.bucket;
  json::object where{{"StringLike", json::object{{"s3:prefix", texts(bound.prefixes, "", "*")}}}};
  json::object source;
  if (!bound.sources.empty()) {
    source["IpAddress"] = json::object{{"aws:SourceIp", texts(bound.sources, "", "")}};
    where["IpAddress"] = source["IpAddress"];
  }
  json::array statements{
      statement({"s3:ListBucket"}, {bucket}, std::move(where)),
      statement({"s3:GetObject"}, texts(bound.prefixes, bucket + "/", "*"), source)};
  if (!bound.kms_key_arn.empty())
    statements.push_back(statement({"kms:Decrypt"}, {bound.kms_key_arn}, {}));
  std::string text = json::serialize(
      json::object{{"Version", "2012-10-17"}, {"Statement", std::move(statements)}});
  if (text.size() > kMaxSessionPolicy)
    return fail(ErrorCode::too_large,
                "the session policy has " + std::to_string(text.size()) +
                    " characters and may have 2048: shorten the prefixes, or list fewer");
  return text;
}

std::string ceph_trust_policy(std::string_view user_arn) {
  const json::object allow{{"Effect", "Allow"},
                           {"Principal", json::object{{"AWS", json::array{user_arn}}}},
                           {"Action", json::array{"sts:AssumeRole"}}};
  const json::object anyone{{"StringLike", json::object{{"aws:userid", "*"}}}};
  const json::object deny{{"Effect", "Deny"},
                          {"Principal", json::object{{"AWS", json::array{"*"}}}},
                          {"Action", json::array{"sts:AssumeRole"}},
                          {"Condition", anyone}};
  return json::serialize(
      json::object{{"Version", "2012-10-17"}, {"Statement", json::array{allow, deny}}});
}

}  // namespace valetkey::aws
