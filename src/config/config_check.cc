// SPDX-License-Identifier: Apache-2.0
// What the keys of a configuration must be together.
#include <fmt/format.h>

#include <charconv>

#include "config/config.h"

namespace valetkey::config {
namespace {

Result<void> check_durations(const Config::Credentials& c) {
  if (c.min_duration <= c.default_duration && c.default_duration <= c.max_duration) return {};
  return fail(ErrorCode::invalid,
              fmt::format("[credentials] needs min_duration <= default_duration <= max_duration, "
                          "but they are {}, {} and {}",
                          format_duration(c.min_duration), format_duration(c.default_duration),
                          format_duration(c.max_duration)));
}

bool is_bucket_name(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (const char c : name)
    if (!edge(c) && c != '-' && c != '.') return false;
  return edge(name.front()) && edge(name.back());
}

bool is_region_name(std::string_view name) {
  if (name.empty() || name.size() > 63) return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
  return true;
}

bool is_url(std::string_view text) {
  return text.empty() || text.starts_with("http://") || text.starts_with("https://");
}

Result<void> check_names(const Config& c) {
  if (!is_bucket_name(c.s3.bucket))
    return fail(ErrorCode::invalid,
                "[s3] bucket must be 3 to 63 characters of a-z, 0-9, '-' and '.', starting and "
                "ending with a letter or digit");
  if (!is_region_name(c.s3.region))
    return fail(ErrorCode::invalid, "[s3] region must be 1 to 63 characters of a-z, 0-9 and '-'");
  if (!is_url(c.s3.public_endpoint))
    return fail(ErrorCode::invalid, "[s3] public_endpoint must start with https:// or http://");
  if (!is_url(c.api.public_url))
    return fail(ErrorCode::invalid, "[api] public_url must start with https:// or http://");
  return {};
}

Result<void> check_listener(const char* name, const std::string& address, bool may_be_plain) {
  const auto where = parse_host_port(address);
  if (!where)
    return fail(ErrorCode::invalid, fmt::format("[listen] {}: {}", name, where.error().detail));
  if (may_be_plain || where->is_loopback()) return {};
  return fail(
      ErrorCode::denied,
      fmt::format("the {} listener {} is reachable from other machines without TLS; set [tls] "
                  "certificate and key, or [listen] insecure_listen = true if something in "
                  "front of it does TLS",
                  name, address));
}

}  // namespace

std::uint64_t Config::Export::parts_a_day() const {
  constexpr milliseconds kDay{24 * 3'600'000};
  if (cut == "day") return 1;
  if (cut == "hour") return 24;
  return static_cast<std::uint64_t>((kDay + longest_wait - milliseconds(1)) / longest_wait);
}

Result<void> check_config(const Config& config) {
  VALETKEY_CHECK(check_durations(config.credentials));
  VALETKEY_CHECK(check_names(config));
  if (config.tls.certificate.empty() != config.tls.key.empty())
    return fail(ErrorCode::invalid, "[tls] needs both certificate and key, or neither");
  const bool may_be_plain = !config.tls.certificate.empty() || config.listen.insecure_listen;
  VALETKEY_CHECK(check_listener("api", config.listen.api, may_be_plain));
  VALETKEY_CHECK(check_listener("s3", config.listen.s3, may_be_plain));
  if (!config.listen.intake.empty()) {
    VALETKEY_CHECK(check_listener("intake", config.listen.intake, may_be_plain));
    if (!config.intake.enabled)
      return fail(ErrorCode::invalid,
                  "[listen] intake is set but [intake] enabled is false: remove one of them");
  }
  const auto& timestamps = config.exporting.timestamps;
  if (!timestamps.empty() && timestamps != "us" && timestamps != "ms")
    return fail(ErrorCode::invalid,
                "[export] timestamps must be us or ms, or empty: as the data folder was made");
  return check_listener("admin", config.listen.admin, may_be_plain);
}

bool HostPort::is_loopback() const {
  if (host == "localhost") return true;
  const auto address = http::Address::parse(host);
  return address && address->is_loopback();
}

bool HostPort::is_any() const { return host == "0.0.0.0" || host == "::"; }

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto bad = [&] {
    return fail(ErrorCode::invalid,
                fmt::format("'{}' must be ADDR:PORT, such as 127.0.0.1:8080 or [::1]:8080",
                            text.substr(0, 100)));
  };
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const std::string_view digits = text.substr(colon + 1);
  HostPort out{std::string(host), 0};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return bad();
  const bool v6 = host.find(':') != std::string_view::npos;
  if (v6 != bracketed) return bad();
  if (host != "localhost" && !http::Address::parse(host)) return bad();
  return out;
}

}  // namespace valetkey::config
