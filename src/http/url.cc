// SPDX-License-Identifier: Apache-2.0
#include "http/url.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "http/message.h"

namespace valetkey::http {
namespace {

std::unexpected<Error> bad(std::string_view why) {
  return fail(ErrorCode::invalid,
              "a URL must look like https://host[:port]/path; this one " + std::string(why));
}

bool name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

bool target_byte(char c) { return c > 0x20 && c < 0x7f && c != '#'; }

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool is_v6(std::string_view host) { return host.contains(':'); }

// Splits "host", "host:port", "[v6]", "[v6]:port".
Result<void> set_authority(Url& url, std::string_view authority) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return bad("has an unclosed [");
    url.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
    const auto address = Address::parse(url.host);
    if (!address || !is_v6(url.host)) return bad("has no IPv6 address between [ and ]");
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
    if (url.host.empty() || url.host.size() > 253 || !std::ranges::all_of(url.host, name_byte))
      return bad("has no host name that could exist");
  }
  url.port = default_port(url.scheme);
  if (rest.empty()) return {};
  rest.remove_prefix(1);
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
  if (failed != std::errc{} || end != rest.data() + rest.size() || url.port == 0)
    return bad("has a port that is not a number from 1 to 65535");
  return {};
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  Url url;
  const auto slashes = text.find("://");
  if (slashes == std::string_view::npos) return bad("has no scheme");
  for (const char* scheme : {"http", "https"})
    if (equal_ignoring_case(text.substr(0, slashes), scheme)) url.scheme = scheme;
  if (url.scheme.empty()) return bad("is neither http nor https");
  text.remove_prefix(slashes + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  VALETKEY_CHECK(set_authority(url, text.substr(0, end)));
  const std::string_view target = text.substr(end);
  if (!std::ranges::all_of(target, target_byte))
    return bad("has a fragment, or bytes that must be percent-encoded");
  url.target = target.starts_with('/') ? target : "/" + std::string(target);
  return url;
}

std::string Url::authority() const {
  std::string text = is_v6(host) ? "[" + host + "]" : host;
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

}  // namespace valetkey::http
