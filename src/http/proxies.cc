// SPDX-License-Identifier: Apache-2.0
#include "http/internal/proxies.h"

#include <algorithm>
#include <charconv>
#include <ranges>

namespace valetkey::http {
namespace {

bool bit(const Address& address, unsigned i) {
  return ((address.bytes[i / 8] >> (7 - i % 8)) & 1) != 0;
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Proxies write addresses bare, as a.b.c.d:port, or as [v6] with or without a port.
std::optional<Address> parse_hop(std::string_view hop) {
  if (hop.starts_with('[')) return Address::parse(hop.substr(1, hop.find(']') - 1));
  if (std::ranges::count(hop, ':') == 1) hop = hop.substr(0, hop.find(':'));
  return Address::parse(hop);
}

}  // namespace

bool AddressBlock::contains(const Address& address) const {
  const unsigned whole = bits / 8;
  if (!std::equal(first.bytes.begin(), first.bytes.begin() + whole, address.bytes.begin()))
    return false;
  for (unsigned i = whole * 8; i < bits; ++i)
    if (bit(first, i) != bit(address, i)) return false;
  return true;
}

Result<AddressBlock> AddressBlock::parse(std::string_view text) {
  const auto bad = [text] {
    return fail(ErrorCode::invalid,
                "\"" + std::string(text) + "\" is not an address block such as 10.0.0.0/8 or ::1");
  };
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return bad();
  AddressBlock block{*address, 128};
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (error != std::errc{} || end != digits.data() + digits.size()) return bad();
    if (bits > (address->is_v4() ? 32U : 128U)) return bad();
    block.bits = address->is_v4() ? bits + 96 : bits;
  }
  for (unsigned i = block.bits; i < 128; ++i)
    if (bit(block.first, i)) return bad();
  return block;
}

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
      const auto hop = parse_hop(trim(rest.substr(start)));
      if (!hop) return client;
      client = *hop;
      if (!trusts(client)) return client;
      rest = rest.substr(0, start == 0 ? 0 : comma);
    }
  }
  return client;
}

}  // namespace valetkey::http
