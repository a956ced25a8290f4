// SPDX-License-Identifier: Apache-2.0
// Addresses of the internet, and blocks of them. Pure. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace valetkey {

// IPv4 addresses are kept as v4-mapped IPv6 addresses, so both forms of one address are equal.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v4() const;
  bool is_loopback() const;
  std::string str() const;
  // The block a stranger is counted under: the whole IPv4 address, the /64 of an IPv6 address.
  Address block() const;
  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;
  static std::optional<Address> parse(std::string_view text);
};

struct AddressBlock {
  Address first;
  unsigned bits = 128;  // of the IPv6 form: an IPv4 /24 is 120
  bool contains(const Address& address) const;
  bool within(const AddressBlock& outer) const;
  // As parse() takes it; a block of one address is that address.
  std::string str() const;
  friend bool operator==(const AddressBlock&, const AddressBlock&) = default;
  friend auto operator<=>(const AddressBlock&, const AddressBlock&) = default;
  // "10.0.0.0/8", "::1", "2001:db8::/32"; bits below the prefix must be zero.
  static Result<AddressBlock> parse(std::string_view text);
};

}  // namespace valetkey
