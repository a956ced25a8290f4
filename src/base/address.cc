// SPDX-License-Identifier: Apache-2.0
#include "base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace valetkey {
namespace {

constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kV4PrefixBits = 96;

bool bit(const Address& address, unsigned i) {
  return ((address.bytes[i / 8] >> (7 - i % 8)) & 1) != 0;
}

bool have_in_common(const Address& one, const Address& other, unsigned bits) {
  const unsigned whole = bits / 8;
  if (!std::equal(one.bytes.begin(), one.bytes.begin() + whole, other.bytes.begin())) return false;
  for (unsigned i = whole * 8; i < bits; ++i)
    if (bit(one, i) != bit(other, i)) return false;
  return true;
}

// The number of bits as it is written behind the slash.
std::optional<unsigned> parse_bits(std::string_view digits, bool v4) {
  unsigned bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  if (bits > (v4 ? 32U : 128U)) return std::nullopt;
  return v4 ? bits + kV4PrefixBits : bits;
}

}  // namespace

bool Address::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

bool Address::is_loopback() const {
  static constexpr std::array<std::uint8_t, 16> kLoopback{0, 0, 0, 0, 0, 0, 0, 0,
                                                          0, 0, 0, 0, 0, 0, 0, 1};
  return is_v4() ? bytes[12] == 127 : bytes == kLoopback;
}

std::string Address::str() const {
  if (is_v4()) {
    std::string text = std::to_string(bytes[12]);  // inet_ntop goes through printf
    for (std::size_t i = 13; i < 16; ++i) text.append(".").append(std::to_string(bytes.at(i)));
    return text;
  }
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

Address Address::block() const {
  Address block = *this;
  if (!is_v4()) std::fill(block.bytes.begin() + 8, block.bytes.end(), std::uint8_t{0});
  return block;
}

std::optional<Address> Address::parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof terminated || text.contains('\0')) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  Address address;
  if (inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) return address;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes.begin());
  if (inet_pton(AF_INET, terminated, address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool AddressBlock::contains(const Address& address) const {
  return have_in_common(first, address, bits);
}

bool AddressBlock::within(const AddressBlock& outer) const {
  return bits >= outer.bits && outer.contains(first);
}

std::string AddressBlock::str() const {
  if (bits == 128) return first.str();
  // A block that is wider than all of IPv4 is none of IPv4, whatever its first address.
  const bool v4 = first.is_v4() && bits >= kV4PrefixBits;
  return first.str() + "/" + std::to_string(v4 ? bits - kV4PrefixBits : bits);
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
    // Of an IPv4 address in its IPv6 form the bits are counted as of IPv6.
    const bool v4 = !text.substr(0, slash).contains(':');
    const auto bits = parse_bits(text.substr(slash + 1), v4);
    if (!bits) return bad();
    block.bits = *bits;
  }
  for (unsigned i = block.bits; i < 128; ++i)
    if (bit(block.first, i)) return bad();
  return block;
}

}  // namespace valetkey
