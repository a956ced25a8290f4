// SPDX-License-Identifier: Apache-2.0
#include "client/exchange.h"

#include <algorithm>
#include <boost/json.hpp>

namespace valetkey::client {
namespace {

namespace json = boost::json;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxLimits = 64;
constexpr std::size_t kMaxMessage = 300;
constexpr std::size_t kMaxSecret = 16 * 1024;
constexpr std::int64_t kLatestExpiry = 253'402'300'799'000;  // the year 9999

std::unexpected<Error> not_exchange(std::string_view why) {
  return fail(ErrorCode::corrupt, "the answer of the API is not an exchange: " + std::string(why));
}

json::value parse(std::string_view body, boost::system::error_code& error) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  return json::parse(body, error, {}, options);
}

// Printable ASCII, so that it can stand in a header or a shell line as it is.
bool plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
}

const json::string* text_of(const json::object& from, std::string_view name, std::size_t limit) {
  const json::value* found = from.if_contains(name);
  const json::string* text = found ? found->if_string() : nullptr;
  return text && !text->empty() && text->size() <= limit && plain(*text) ? text : nullptr;
}

Result<void> read_keys(const json::object& from, Grant& grant) {
  const auto* id = text_of(from, "accessKeyId", 128);
  const auto* secret = text_of(from, "secretAccessKey", kMaxSecret);
  const auto* session = text_of(from, "sessionToken", kMaxSecret);
  const json::value* expires = from.if_contains("expiration");
  if (!id || !secret || !session || !expires) return not_exchange("credentials are missing");
  const std::int64_t* ms = expires->if_int64();
  if (!ms || *ms < 0 || *ms > kLatestExpiry)
    return not_exchange("expiration is not a time in milliseconds");
  grant.keys.access_key_id = std::string(*id);
  grant.keys.secret_access_key = Secret(std::string(*secret));
  grant.keys.session_token = Secret(std::string(*session));
  grant.expires = from_epoch_ms(*ms);
  return {};
}

Result<void> read_path(std::string_view path, Grant& grant) {
  if (!path.starts_with("s3://")) return not_exchange("s3Path does not begin with s3://");
  path.remove_prefix(5);
  const auto slash = path.find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == path.size())
    return not_exchange("s3Path names no folder");
  grant.bucket = path.substr(0, slash);
  if (grant.bucket.find_first_of("?#%\\") != std::string::npos)
    return not_exchange("s3Path names an impossible bucket");
  grant.prefix = path.substr(slash + 1);
  // The published sample omits the last slash.
  if (!grant.prefix.ends_with('/')) grant.prefix += '/';
  return {};
}

Result<void> read_place(const json::object& from, Grant& grant) {
  const auto* region = text_of(from, "region", 64);
  const auto* endpoint = text_of(from, "endpoint", 1024);
  if ((from.contains("region") && !region) || (from.contains("endpoint") && !endpoint))
    return not_exchange("endpoint or region is not a plain text");
  grant.region = region ? std::string(*region) : "us-east-1";
  grant.endpoint =
      endpoint ? std::string(*endpoint) : "https://s3." + grant.region + ".amazonaws.com";
  while (grant.endpoint.ends_with('/')) grant.endpoint.pop_back();
  const auto url = http::Url::parse(grant.endpoint);
  if (!url || url->target != "/") return not_exchange("endpoint is not the URL of a server");
  return {};
}

// As names are compared: sorted, each a folder.
Result<void> read_limits(const json::object& from, Grant& grant) {
  const json::value* found = from.if_contains("prefixes");
  if (!found) return {};
  if (!found->is_array() || found->get_array().empty() || found->get_array().size() > kMaxLimits)
    return not_exchange("prefixes is not a list");
  for (const json::value& each : found->get_array()) {
    const json::string* text = each.if_string();
    if (!text || text->size() > 1024 || !text->ends_with('/'))
      return not_exchange("prefixes holds something else than a folder");
    grant.limits.emplace_back(*text);
  }
  std::ranges::sort(grant.limits);
  return {};
}

}  // namespace

std::vector<std::string> Grant::opened_of(const std::string& name) const {
  if (limits.empty()) return {name};
  std::vector<std::string> below;
  for (const std::string& limit : limits) {
    if (name.starts_with(limit)) return {name};
    if (limit.starts_with(name)) below.push_back(limit);
  }
  return below;
}

Result<Grant> parse_exchange(std::string_view body, Timestamp now) {
  if (body.size() > kMaxExchangeBytes) return not_exchange("it is too large");
  boost::system::error_code error;
  const json::value document = parse(body, error);
  if (error)
    return not_exchange(
        "it is not JSON; a proxy or a login page may have answered: check VALETKEY_API");
  const json::object* whole = document.if_object();
  const json::value* credentials = whole ? whole->if_contains("credentials") : nullptr;
  if (!credentials || !credentials->is_object()) return not_exchange("it holds no credentials");
  const auto* path = text_of(*whole, "s3Path", 1024);
  if (!path) return not_exchange("it holds no s3Path");
  Grant grant;
  grant.fetched = now;
  VALETKEY_CHECK(read_keys(credentials->get_object(), grant));
  VALETKEY_CHECK(read_path(*path, grant));
  VALETKEY_CHECK(read_place(*whole, grant));
  VALETKEY_CHECK(read_limits(*whole, grant));
  return grant;
}

std::string message_of_problem(std::string_view body) {
  boost::system::error_code error;
  if (body.size() > kMaxExchangeBytes) return "";
  const json::value document = parse(body, error);
  if (error || !document.is_object()) return "";
  const json::value* found = document.get_object().if_contains("message");
  if (!found || !found->is_string()) return "";
  std::string message(found->get_string().subview(0, kMaxMessage));
  std::ranges::replace_if(message, [](char c) { return c < 0x20 || c >= 0x7F; }, '?');
  return message;
}

Result<void> check_private(const http::Url& url, bool allow_http) {
  if (url.scheme == "https" || allow_http || url.host == "localhost") return {};
  const auto address = http::Address::parse(url.host);
  if (address && address->is_loopback()) return {};
  return fail(ErrorCode::denied, "http://" + url.authority() +
                                     " would carry secrets in the clear: use https, or set "
                                     "allow_http = true (VALETKEY_ALLOW_HTTP=1)");
}

}  // namespace valetkey::client
