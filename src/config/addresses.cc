// SPDX-License-Identifier: Apache-2.0
#include "config/addresses.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace valetkey::config {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

}  // namespace

std::string listener_url(const std::string& address, std::uint16_t port, bool tls) {
  const auto where = parse_host_port(address);  // checked before
  const std::string host = where && !where->is_any() ? where->host : host_name();
  const bool v6 = host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "",
                     port);
}

std::string console_url(const Config& config) {
  if (!config.api.public_url.empty()) return config.api.public_url;
  const auto where = parse_host_port(config.listen.api);
  return listener_url(config.listen.api, where ? where->port : 0, !config.tls.certificate.empty());
}

std::vector<std::string> console_origins(const Config& config) {
  const std::string url = console_url(config);
  const auto host = url.find("://");
  if (host == std::string::npos) return {};
  std::vector<std::string> origins{url.substr(0, url.find('/', host + 3))};
  const auto where = parse_host_port(config.listen.api);
  if (!config.api.public_url.empty() || !where || !where->is_loopback()) return origins;
  const char* scheme = config.tls.certificate.empty() ? "http" : "https";
  for (const char* name : {"localhost", "127.0.0.1"})
    origins.push_back(fmt::format("{}://{}:{}", scheme, name, where->port));
  return origins;
}

}  // namespace valetkey::config
