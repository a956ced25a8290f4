// SPDX-License-Identifier: Apache-2.0
#include "http/internal/proxies.h"

#include <algorithm>
#include <ranges>

#include "base/text.h"

namespace valetkey::http {
namespace {

// Proxies write addresses bare, as a.b.c.d:port, or as [v6] with or without a port.
std::optional<Address> parse_hop(std::string_view hop) {
  if (hop.starts_with('[')) return Address::parse(hop.substr(1, hop.find(']') - 1));
  if (std::ranges::count(hop, ':') == 1) hop = hop.substr(0, hop.find(':'));
  return Address::parse(hop);
}

}  // namespace

Result<TrustedProxies> TrustedProxies::parse(const std::vector<std::string>& blocks) {
  TrustedProxies proxies;
  for (const std::string& text : blocks) {
    VALETKEY_TRY(AddressBlock block, AddressBlock::parse(text));
    proxies.blocks_.push_back(block);
  }
  return proxies;
}

bool TrustedProxies::trusts(const Address& address) const {
  return std::ranges::any_of(blocks_, [&](const AddressBlock& b) { return b.contains(address); });
}

Address TrustedProxies::client_of(const Address& peer, const std::vector<Header>& headers) const {
  Address client = peer;
  if (blocks_.empty() || !trusts(peer)) return client;
  for (const Header& header : std::views::reverse(headers)) {
    if (!equal_ignoring_case(header.name, "x-forwarded-for")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const auto comma = rest.rfind(',');
      const auto start = comma == std::string_view::npos ? 0 : comma + 1;
      const auto hop = parse_hop(trimmed(rest.substr(start), " \t"));
      if (!hop) return client;
      client = *hop;
      if (!trusts(client)) return client;
      rest = rest.substr(0, start == 0 ? 0 : comma);
    }
  }
  return client;
}

}  // namespace valetkey::http
